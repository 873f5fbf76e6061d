use super::*;

#[test]
fn first_places_are_not_gone() {
    let check = |preferred, gone: &[(u32, u32)], n, expected: &[u32]| {
        let pointer = Pointer { preferred, gone: gone.to_vec(), ..Pointer::default() };
        assert_eq!(pointer.first(NonZeroU32::new(n).unwrap()), expected);
    };
    check(0, &[], 3, &[0, 1, 2]);
    check(2, &[], 3, &[2, 0, 1]);
    check(1, &[(0, 0)], 3, &[1, 2, 3]);
    check(4, &[(0, 1), (3, 3)], 3, &[4, 2, 5]);
}

/// Pointers that were published before they knew of purges are still read, and one without purges is no longer for them.
#[test]
fn older_pointers() {
    let old: Pointer = serde_json::from_str(r#"{"namespace":"shop","preferred":0,"takes":[]}"#).unwrap();
    assert_eq!(old, Pointer { namespace: "shop".to_owned(), ..Pointer::default() });
    let text = serde_json::to_string(&old).unwrap();
    assert_eq!(text, r#"{"namespace":"shop","model":"","preferred":0,"takes":[]}"#);
    let purged = Pointer { gone: vec![(0, 3), (5, 5)], ..old };
    let text = serde_json::to_string(&purged).unwrap();
    assert!(text.contains(r#""gone":[[0,3],[5,5]]"#), "{text}");
    assert_eq!(serde_json::from_str::<Pointer>(&text).unwrap(), purged);
}
