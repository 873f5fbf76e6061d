//! The words of a prompt, as it is searched by.
//!
//! A word is a run of letters and digits, and nothing else can be part of one: quotes, operators, emoji and control characters are
//! cut away, so that a search is never read as a language.

use unicode_normalization::UnicodeNormalization as _;

/// The most words that a search may have: of a short one, much is looked up.
pub const MAX_WORDS: usize = 32;

/// Each word once, in the order of the text.
pub fn words(text: &str) -> Vec<String> {
    // Prompts are kept in this form.
    let text: String = text.nfc().collect();
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|char: char| !char.is_alphanumeric()) {
        if !word.is_empty() && !words.iter().any(|said| said == word) {
            words.push(word.to_owned());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(words(text), expected, "{text:?}");
    }

    #[test]
    fn table() {
        check("", &[]);
        check("a red fox", &["a", "red", "fox"]);
        check("fox fox  FOX", &["fox", "FOX"]);
        check("an a antler", &["an", "a", "antler"]);
        check("\"fox\" AND NEAR(a b, 2)", &["fox", "AND", "NEAR", "a", "b", "2"]);
        check("fox* -dog prompt:cat ^x", &["fox", "dog", "prompt", "cat", "x"]);
        check("cafe\u{301}", &["caf\u{e9}"]);
        check("foto de estúdio, fundo branco", &["foto", "de", "estúdio", "fundo", "branco"]);
        check("狐\u{3000}と葡萄", &["狐", "と葡萄"]);
        check("🦊 \u{0}\u{1b}[31m<b>", &["31m", "b"]);
        check("🦊🍇 — …", &[]);
    }

    proptest! {
        #[test]
        fn nothing_but_letters_and_digits(text in any::<String>()) {
            for word in words(&text) {
                prop_assert!(!word.is_empty() && word.chars().all(char::is_alphanumeric));
            }
        }

        #[test]
        fn the_words_of_words_are_the_same(text in "[a-c \"*é]{0,24}") {
            let once = words(&text);
            prop_assert_eq!(words(&once.join(" ")), once);
        }
    }
}
