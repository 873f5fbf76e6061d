use proptest::prelude::*;

use super::{ByteRange, Resolved, resolve, unsatisfiable_content_range};

/// `expected` is `whole`, `416`, or the `Content-Range` of the part.
#[track_caller]
fn check(header: &str, length: u64, expected: &str) {
    let found = match resolve(Some(header), length) {
        Resolved::Whole => "whole".to_owned(),
        Resolved::Unsatisfiable => "416".to_owned(),
        Resolved::Part(part) => part.content_range(length),
    };
    assert_eq!(found, expected, "{header:?} of {length}");
}

#[test]
fn headers_of_replies() {
    let part = ByteRange { start: 0, end_inclusive: 499 };
    assert_eq!(part.content_range(1234), "bytes 0-499/1234");
    assert_eq!(part.len(), 500);
    assert_eq!(unsatisfiable_content_range(1234), "bytes */1234");
    assert_eq!(resolve(None, 10), Resolved::Whole);
}

#[test]
fn single_ranges() {
    check("bytes=0-0", 10, "bytes 0-0/10");
    check("bytes=2-5", 10, "bytes 2-5/10");
    check("bytes=5-", 10, "bytes 5-9/10");
    check("bytes=0-", 10, "bytes 0-9/10");
    check("bytes=9-9", 10, "bytes 9-9/10");
    check("bytes=5-100", 10, "bytes 5-9/10");
    check("bytes=-3", 10, "bytes 7-9/10");
    check("bytes=-10", 10, "bytes 0-9/10");
    check("bytes=-11", 10, "bytes 0-9/10");
    check("BYTES=0-1", 10, "bytes 0-1/10");
    check(" bytes= 0-1 , ", 10, "bytes 0-1/10");
    check("bytes=007-8", 10, "bytes 7-8/10");
}

#[test]
fn beyond_the_end() {
    check("bytes=10-", 10, "416");
    check("bytes=10-20", 10, "416");
    check("bytes=-0", 10, "416");
    check("bytes=0-", 0, "416");
    check("bytes=0-0", 0, "416");
    check("bytes=-0", 0, "416");
    check("bytes=-1", 0, "whole");
}

#[test]
fn numbers_that_overflow() {
    check("bytes=0-99999999999999999999999", 10, "bytes 0-9/10");
    check("bytes=99999999999999999999999-", 10, "416");
    check("bytes=99999999999999999999998-99999999999999999999999", 10, "416");
    check("bytes=-99999999999999999999999", 10, "bytes 0-9/10");
    check("bytes=99999999999999999999999-9", 10, "whole");
    check("bytes=18446744073709551615-", u64::MAX, "416");
}

#[test]
fn what_is_ignored() {
    check("", 10, "whole");
    check("bytes", 10, "whole");
    check("bytes=", 10, "whole");
    check("bytes=,", 10, "whole");
    check("bytes=-", 10, "whole");
    check("bytes=5-2", 10, "whole");
    check("bytes=a-b", 10, "whole");
    check("bytes=+1-2", 10, "whole");
    check("bytes=1 - 2", 10, "whole");
    check("bytes=1-2-3", 10, "whole");
    check("bytes=0x1-2", 10, "whole");
    check("bytes =0-1", 10, "whole");
    check("items=0-1", 10, "whole");
    check("bytes=0-1,3-4", 10, "whole");
    check("bytes=0-1,junk", 10, "whole");
    check("bytes=٣-٤", 10, "whole");
}

proptest! {
    #[test]
    fn any_text_is_tolerated(header in any::<String>(), length in any::<u64>()) {
        resolve(Some(&header), length);
    }

    #[test]
    fn a_part_lies_inside(header in "bytes=[0-9]{0,21}-[0-9]{0,21}", length in any::<u64>()) {
        if let Resolved::Part(part) = resolve(Some(&header), length) {
            prop_assert!(part.start <= part.end_inclusive);
            prop_assert!(part.end_inclusive < length);
            prop_assert!(part.len() >= 1 && part.len() <= length);
        }
    }

    #[test]
    fn both_halves_make_the_whole(length in 2_u64.., cut in 1_u64..) {
        let cut = 1 + cut % (length - 1);
        let head = resolve(Some(&format!("bytes=0-{}", cut - 1)), length);
        let tail = resolve(Some(&format!("bytes={cut}-")), length);
        let suffix = resolve(Some(&format!("bytes=-{}", length - cut)), length);
        prop_assert_eq!(tail, suffix);
        let (Resolved::Part(head), Resolved::Part(tail)) = (head, tail) else {
            return Err(TestCaseError::fail("both lie inside"));
        };
        prop_assert_eq!(head.len() + tail.len(), length);
    }
}
