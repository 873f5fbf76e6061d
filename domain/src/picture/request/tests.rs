use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::picture::PictureKey;

const NOW: u64 = 1_795_500_000;

fn defaults() -> Defaults<'static> {
    Defaults { namespace: "default", model: "gpt-image-2.6-flare", now_s: NOW }
}

fn read(body: &Value) -> Result<Asked, ApiError> {
    Asked::from_json(body.to_string().as_bytes(), &defaults())
}

fn from_url(query: &str) -> Result<Asked, ApiError> {
    Asked::from_query(&Query::parse(query)?, &defaults())
}

fn key(body: &Value) -> PictureKey {
    PictureKey::of(&read(body).unwrap().picture)
}

#[track_caller]
fn refuse(body: &Value, param: &str, code: &str) {
    let error = read(body).expect_err(&body.to_string());
    assert_eq!((error.param.as_deref(), error.code.as_deref()), (Some(param), Some(code)), "{body}");
    assert_eq!(error.status, 400);
    assert!(error.message.ends_with('.'), "{}", error.message);
}

#[test]
fn refusals_of_json() {
    for (extra, param, code) in [
        (json!({"prompt": ""}), "prompt", "invalid_value"),
        (json!({"prompt": " \n"}), "prompt", "invalid_value"),
        (json!({"prompt": null}), "prompt", "missing_required_parameter"),
        (json!({"prompt": 7}), "prompt", "invalid_type"),
        (json!({"prompt": "x".repeat(32_001)}), "prompt", "string_above_max_length"),
        (json!({"promt": "x"}), "promt", "unknown_parameter"),
        (json!({"take": 1}), "take", "unknown_parameter"),
        (json!({"model": "dall-e-3"}), "model", "model_not_found"),
        (json!({"model": 2}), "model", "invalid_type"),
        (json!({"n": 0}), "n", "invalid_value"),
        (json!({"n": 11}), "n", "invalid_value"),
        (json!({"n": -1}), "n", "invalid_value"),
        (json!({"n": "2"}), "n", "invalid_type"),
        (json!({"n": 1.5}), "n", "invalid_type"),
        (json!({"n": 1e30}), "n", "invalid_type"),
        (json!({"size": "1000x1000"}), "size", "invalid_value"),
        (json!({"size": 1024}), "size", "invalid_type"),
        (json!({"quality": "ultra"}), "quality", "invalid_value"),
        (json!({"quality": "max", "model": "gpt-image-2"}), "quality", "invalid_value"),
        (json!({"background": "transparent", "output_format": "jpeg"}), "background", "invalid_value"),
        (json!({"background": "green"}), "background", "invalid_value"),
        (json!({"moderation": "none"}), "moderation", "invalid_value"),
        (json!({"output_format": "bmp"}), "output_format", "invalid_value"),
        (json!({"output_format": "gif", "model": "gpt-image-2"}), "output_format", "invalid_value"),
        (json!({"output_format": "svg"}), "svg", "missing_required_parameter"),
        (json!({"output_format": "svg", "svg": {"model": "m"}, "n": 2}), "n", "invalid_value"),
        (json!({"output_format": "svg", "svg": {"model": "m", "x": 1}}), "svg", "invalid_value"),
        (
            json!({"output_format": "svg", "svg": {"model": "m", "reasoning": {"effort": "huge"}}}),
            "svg",
            "invalid_value",
        ),
        (json!({"svg": {"model": "m"}}), "svg", "invalid_value"),
        (json!({"svg": 1}), "svg", "invalid_type"),
        (json!({"output_compression": 50}), "output_compression", "invalid_value"),
        (json!({"output_compression": 101, "output_format": "webp"}), "output_compression", "invalid_value"),
        (json!({"complexity": "low", "model": "gpt-image-2"}), "complexity", "unknown_parameter"),
        (json!({"frame_count": 4}), "frame_count", "invalid_value"),
        (json!({"frame_duration_ms": 4}), "frame_duration_ms", "invalid_value"),
        (json!({"frame_count": 17, "output_format": "gif"}), "frame_count", "invalid_value"),
        (json!({"stream": true}), "stream", "unsupported_value"),
        (json!({"stream": "true"}), "stream", "invalid_type"),
        (json!({"partial_images": 1}), "partial_images", "invalid_value"),
        (json!({"response_format": "png"}), "response_format", "invalid_value"),
        (json!({"style": "gothic"}), "style", "invalid_value"),
        (json!({"user": 1}), "user", "invalid_type"),
    ] {
        let mut body = json!({"prompt": "a fox"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        refuse(&body, param, code);
    }
    refuse(&json!({}), "prompt", "missing_required_parameter");
    refuse(&json!([]), "body", "invalid_json");
    for body in [&b""[..], b"{", b"\xff\xfe", b"{\"prompt\":\"\xc3\"}"] {
        assert_eq!(Asked::from_json(body, &defaults()).unwrap_err().code.as_deref(), Some("invalid_json"));
    }
}

#[test]
fn refusals_of_queries() {
    for (query, param, code) in [
        ("", "prompt", "missing_required_parameter"),
        ("prompt=", "prompt", "invalid_value"),
        ("prompt=a&prompt=b", "prompt", "duplicate_parameter"),
        ("prompt=a&width=3", "width", "unknown_parameter"),
        ("prompt=a&n=2", "n", "unknown_parameter"),
        ("prompt=a&output_compression=x", "output_compression", "invalid_type"),
        ("prompt=a&output_compression=+5&output_format=webp", "output_compression", "invalid_type"),
        ("prompt=a&take=-1", "take", "invalid_value"),
        ("prompt=a&take=1000", "take", "invalid_value"),
        ("prompt=a&take=", "take", "invalid_value"),
        ("prompt=%ff", "prompt", "invalid_encoding"),
    ] {
        let error = from_url(query).expect_err(query);
        assert_eq!((error.param.as_deref(), error.code.as_deref()), (Some(param), Some(code)), "{query}");
    }
}

/// Each row is one picture, asked for in different words.
#[test]
fn the_same_picture() {
    for bodies in [
        [
            json!({"prompt": "a fox"}),
            json!({"prompt": " a fox\r\n", "n": 3, "response_format": "url", "user": "u", "style": "vivid"}),
        ],
        [
            json!({"prompt": "a fox"}),
            json!({
                "background": "auto", "complexity": "high", "model": "gpt-image-2.6-flare", "moderation": "auto", "output_compression": 100,
                "output_format": "png", "prompt": "a fox", "quality": "auto", "size": "auto", "stream": false, "partial_images": 0,
                "safety_identifier": "x", "frame_count": null, "svg": null,
            }),
        ],
        [json!({"prompt": "caf\u{e9}"}), json!({"prompt": "cafe\u{301}"})],
        [
            json!({"prompt": "x", "output_format": "webp"}),
            json!({"prompt": "x", "output_format": "webp", "output_compression": 100}),
        ],
        [
            json!({"prompt": "x", "output_format": "gif"}),
            json!({"prompt": "x", "output_format": "gif", "frame_count": 9, "frame_duration_ms": 204}),
        ],
        [json!({"prompt": "x", "quality": "hd"}), json!({"prompt": "x", "quality": "high"})],
    ] {
        assert_eq!(key(&bodies[0]), key(&bodies[1]), "{bodies:?}");
    }
    let url = from_url("size=auto&prompt=a+fox&download=1&kid=k&exp=1&sig=x&take=4").unwrap();
    assert_eq!(PictureKey::of(&url.picture), key(&json!({"prompt": "a fox"})));
    assert_eq!(url.take, Some(4));
}

/// No two rows are the same picture.
#[test]
fn different_pictures() {
    let long = "x".repeat(31_999);
    let bodies = [
        json!({"prompt": "a fox"}),
        json!({"prompt": "A fox"}),
        json!({"prompt": "a  fox"}),
        json!({"prompt": "a fox", "model": "gpt-image-2"}),
        json!({"prompt": "a fox", "model": "gpt-image-2-2026-04-21"}),
        json!({"prompt": "a fox", "size": "1024x1024"}),
        json!({"prompt": "a fox", "size": "1024x1536"}),
        json!({"prompt": "a fox", "quality": "low"}),
        json!({"prompt": "a fox", "background": "opaque"}),
        json!({"prompt": "a fox", "moderation": "low"}),
        json!({"prompt": "a fox", "output_format": "jpeg"}),
        json!({"prompt": "a fox", "output_format": "webp"}),
        json!({"prompt": "a fox", "output_format": "webp", "output_compression": 99}),
        json!({"prompt": "a fox", "complexity": "low"}),
        json!({"prompt": "a fox", "output_format": "gif"}),
        json!({"prompt": "a fox", "output_format": "gif", "frame_count": 10}),
        json!({"prompt": "a fox", "output_format": "gif", "frame_duration_ms": 210}),
        json!({"prompt": "a fox", "output_format": "svg", "svg": {"model": "m"}}),
        json!({"prompt": "a fox", "output_format": "svg", "svg": {"model": "m", "reasoning": {"effort": "low"}}}),
        json!({"prompt": format!("{long}a")}),
        json!({"prompt": format!("{long}b")}),
    ];
    let keys: std::collections::BTreeSet<_> = bodies.iter().map(key).collect();
    assert_eq!(keys.len(), bodies.len());
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c:=,\\-]{1,6}", "\\PC{1,12}"]
}

proptest! {
    #[test]
    fn field_order_and_white_space_do_not_matter(mut order in Just(vec![0usize, 1, 2, 3]).prop_shuffle(), pad in "[ \n\t]{0,3}") {
        let fields = ["\"prompt\":\"a fox\"", "\"size\":\"1024x1024\"", "\"quality\":\"low\"", "\"moderation\":\"low\""];
        let joined: Vec<_> = order.drain(..).map(|at| fields[at]).collect();
        let body = format!("{pad}{{{pad}{}{pad}}}", joined.join(&format!(",{pad}")));
        let got = Asked::from_json(body.as_bytes(), &defaults()).unwrap();
        let expected = json!({"prompt": "a fox", "size": "1024x1024", "quality": "low", "moderation": "low"});
        prop_assert_eq!(PictureKey::of(&got.picture), key(&expected));
    }

    /// Text that moves from one field to its neighbour is another picture.
    #[test]
    fn no_collision_between_fields(namespace in any_text(), prompt in any_text(), cut in 0usize..8) {
        let both = format!("{namespace}{prompt}");
        let cut = (0..=cut.min(both.len())).rev().find(|at| both.is_char_boundary(*at)).unwrap_or(0);
        let (left, right) = both.split_at(cut);
        prop_assume!(left != namespace);
        let one = Asked::from_json(json!({"prompt": prompt}).to_string().as_bytes(), &Defaults { namespace: &namespace, ..defaults() });
        let two = Asked::from_json(json!({"prompt": right}).to_string().as_bytes(), &Defaults { namespace: left, ..defaults() });
        if let (Ok(one), Ok(two)) = (one, two) {
            prop_assert_ne!(PictureKey::of(&one.picture), PictureKey::of(&two.picture));
        }
    }

    #[test]
    fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..200), text in "\\{[\"a-z:0-9,\\[\\]{}]{0,80}\\}") {
        let _ = Asked::from_json(&body, &defaults());
        let _ = Asked::from_json(text.as_bytes(), &defaults());
        let _ = Query::parse(&text).map(|query| Asked::from_query(&query, &defaults()));
    }
}
