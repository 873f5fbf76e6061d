use proptest::prelude::*;

use super::*;
use crate::picture::options::{Background, Complexity, Effort, InputFidelity, Moderation, OutputFormat, Quality};
use crate::picture::{Operation, PictureKey, Prompt, Size};

const MODEL: &str = "gpt-image-2.6-flare";

fn defaults() -> Defaults<'static> {
    Defaults { namespace: "shop", model: MODEL, now_s: 1_795_500_000 }
}

/// The fields that are not a default, in order, as `name=value source`.
fn lines(fields: &[Field]) -> Vec<String> {
    let told = fields.iter().filter(|field| field.source != Source::Default);
    told.map(|field| format!("{}={} {:?}", field.name, field.value, field.source)).collect()
}

#[track_caller]
fn check(body: &Value, expected: &[&str]) {
    let explained = Explained::json(body.as_object().unwrap(), &defaults()).unwrap();
    assert_eq!(lines(&explained.fields), expected, "{body}");
}

#[track_caller]
fn check_query(query: &str, expected: &[&str]) {
    let explained = Explained::query(&Query::parse(query).unwrap(), &defaults()).unwrap();
    assert_eq!(lines(&explained.fields), expected, "{query}");
}

#[test]
fn what_became_of_a_body() {
    check(&json!({ "prompt": "a fox" }), &["prompt=\"a fox\" Given"]);
    check(&json!({ "prompt": " a fox\r\n" }), &["prompt=\"a fox\" Normalised"]);
    check(&json!({ "prompt": "cafe\u{301}" }), &["prompt=\"caf\u{e9}\" Normalised"]);
    check(
        &json!({ "prompt": "x", "quality": "standard", "size": "1024x1024", "model": MODEL }),
        &[
            "model=\"gpt-image-2.6-flare\" Given",
            "prompt=\"x\" Given",
            "size=\"1024x1024\" Given",
            "quality=\"medium\" Normalised",
        ],
    );
    check(
        &json!({ "prompt": "x", "output_format": "gif", "frame_duration_ms": 204, "frame_count": 4 }),
        &[
            "prompt=\"x\" Given",
            "output_format=\"gif\" Given",
            "frame_count=4 Given",
            "frame_duration_ms=200 Normalised",
        ],
    );
    check(
        &json!({ "prompt": "x", "output_compression": 100 }),
        &["prompt=\"x\" Given", "output_compression=null Normalised"],
    );
    check(
        &json!({ "prompt": "x", "quality": "auto", "size": null }),
        &["prompt=\"x\" Given", "quality=\"auto\" Given"],
    );
    check(
        &json!({ "prompt": "x", "output_format": "svg", "svg": { "model": "m", "reasoning": { "effort": "low" } } }),
        &[
            "prompt=\"x\" Given",
            "output_format=\"svg\" Given",
            "svg.model=\"m\" Given",
            "svg.reasoning.effort=\"low\" Given",
        ],
    );
    check(
        &json!({
            "prompt": "x", "user": "u", "safety_identifier": "s", "stream": false, "partial_images": 0, "response_format": "url",
            "style": "vivid", "n": 3,
        }),
        &[
            "prompt=\"x\" Given",
            "n=null Dropped",
            "partial_images=null Dropped",
            "response_format=null Dropped",
            "safety_identifier=null Dropped",
            "stream=null Dropped",
            "style=null Dropped",
            "user=null Dropped",
        ],
    );
    check(&json!({ "prompt": "x", "user": null, "n": null }), &["prompt=\"x\" Given"]);
    for body in [json!({}), json!({ "prompt": "x", "promt": "y" }), json!({ "prompt": "x", "size": "9x9" })] {
        assert!(Explained::json(body.as_object().unwrap(), &defaults()).is_err(), "{body}");
    }
}

#[test]
fn what_became_of_an_address() {
    check_query("prompt=a+fox", &["prompt=\"a fox\" Given"]);
    check_query(
        "prompt=x&output_format=webp&output_compression=070&kid=k&exp=1&sig=s&download=1&take=2",
        &[
            "prompt=\"x\" Given",
            "output_format=\"webp\" Given",
            "output_compression=70 Normalised",
            "download=null Dropped",
            "exp=null Dropped",
            "kid=null Dropped",
            "sig=null Dropped",
            "take=null Dropped",
        ],
    );
    check_query(
        "prompt=x&output_format=webp&output_compression=70",
        &["prompt=\"x\" Given", "output_format=\"webp\" Given", "output_compression=70 Given"],
    );
    assert!(Explained::query(&Query::parse("prompt=x&n=2").unwrap(), &defaults()).is_err());
}

#[test]
fn every_field_of_the_key_is_told_in_its_order() {
    let explained = Explained::json(json!({ "prompt": "x", "user": "u" }).as_object().unwrap(), &defaults()).unwrap();
    let names: Vec<&str> = explained.fields.iter().map(|field| field.name.as_str()).collect();
    let specified = include_str!("../../../../docs/CACHE-KEY.md");
    let order = names[..FIELDS].iter().map(|name| specified.find(&format!("`{name}`")).expect(name));
    assert!(order.clone().zip(order.skip(1)).all(|(one, next)| one < next), "{names:?}");
    assert_eq!(names[FIELDS..], ["user"]);
    assert_eq!(explained.asked.picture.namespace, "shop");
}

#[test]
fn of_a_kept_picture_what_is_no_default_was_given() {
    let told = |body: Value| {
        let asked = Asked::read(body.as_object().unwrap(), None, &defaults()).unwrap();
        lines(&of_picture(&asked.picture))
    };
    let model = "model=\"gpt-image-2.6-flare\" Given";
    assert_eq!(told(json!({ "prompt": "x" })), [model, "prompt=\"x\" Given"]);
    assert_eq!(
        told(
            json!({ "prompt": "x", "size": "1024x1024", "quality": "auto", "output_format": "webp", "output_compression": 7 })
        ),
        [
            model,
            "prompt=\"x\" Given",
            "size=\"1024x1024\" Given",
            "output_format=\"webp\" Given",
            "output_compression=7 Given"
        ]
    );
    assert_eq!(
        told(json!({ "prompt": "x", "output_format": "svg", "svg": { "model": "m" } })),
        [model, "prompt=\"x\" Given", "output_format=\"svg\" Given", "svg.model=\"m\" Given"]
    );
}

#[test]
fn a_difference_shows_both_prompts_whole() {
    let picture = |prompt: &str| {
        Asked::read(json!({ "prompt": prompt }).as_object().unwrap(), None, &defaults()).unwrap().picture
    };
    let long = "x".repeat(32_000);
    let expected = Difference { name: "prompt".to_owned(), asked: json!("a  fox"), exists: json!(long) };
    assert_eq!(differences(&picture("a  fox"), &picture(&long)), [expected]);
    assert_eq!(differences(&picture("a fox"), &picture(" a fox ")), []);
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(values: impl Into<Vec<T>>) -> impl Strategy<Value = T> {
    proptest::sample::select(values.into())
}

/// Any picture, also those that no request asks for yet. Few values of each, so that two of them are often nearly the same.
fn any_picture() -> impl Strategy<Value = Picture> {
    let digest = || one_of([None, Some(Digest([1; 32])), Some(Digest([2; 32]))]);
    let sizes =
        [Size::Auto, Size::Pixels { width: 1_024, height: 1_536 }, Size::Pixels { width: 1_536, height: 1_024 }];
    let first = (
        one_of(["shop", "blog"]),
        one_of([Operation::Generate, Operation::Edit]),
        one_of(["gpt-image-2", MODEL]),
        one_of(["a", "b"]),
        one_of(sizes),
        one_of([Quality::Auto, Quality::Low]),
        one_of([Background::Auto, Background::Opaque]),
        one_of([Moderation::Auto, Moderation::Low]),
        one_of([OutputFormat::Png, OutputFormat::Webp]),
    );
    let second = (
        one_of([None, Some(0), Some(100)]),
        one_of([None, Some(Complexity::Low)]),
        one_of([None, Some(InputFidelity::Low)]),
        one_of([None, Some((2, 10)), Some((2, 20)), Some((3, 10))]),
        one_of([None, Some(("m", None)), Some(("m", Some(Effort::Low))), Some(("n", None))]),
        one_of([vec![], vec![1], vec![1, 2], vec![2, 1]]),
        digest(),
        digest(),
    );
    (first, second).prop_map(|(first, second)| {
        let (namespace, operation, model, prompt, size, quality, background, moderation, output_format) = first;
        let (output_compression, complexity, input_fidelity, frames, svg, images, mask, markup) = second;
        Picture {
            namespace: namespace.to_owned(),
            operation,
            model: model.to_owned(),
            prompt: Prompt::new(prompt).unwrap(),
            size,
            quality,
            background,
            moderation,
            output_format,
            output_compression,
            complexity,
            input_fidelity,
            frames: frames.map(|(count, duration_ms)| Frames { count, duration_ms }),
            svg: svg.map(|(model, effort)| Svg { model: model.to_owned(), effort }),
            images: images.into_iter().map(|at| Digest([at; 32])).collect(),
            mask,
            markup,
        }
    })
}

/// One picture, and the other with some of its fields.
fn near_pair() -> impl Strategy<Value = (Picture, Picture)> {
    (any_picture(), any_picture(), proptest::collection::vec(prop::bool::weighted(0.9), 17)).prop_map(
        |(one, other, same)| {
            let pick = |at: usize| if same[at] { one.clone() } else { other.clone() };
            let mixed = Picture {
                namespace: pick(0).namespace,
                operation: pick(1).operation,
                model: pick(2).model,
                prompt: pick(3).prompt,
                size: pick(4).size,
                quality: pick(5).quality,
                background: pick(6).background,
                moderation: pick(7).moderation,
                output_format: pick(8).output_format,
                output_compression: pick(9).output_compression,
                complexity: pick(10).complexity,
                input_fidelity: pick(11).input_fidelity,
                frames: pick(12).frames,
                svg: pick(13).svg,
                images: pick(14).images,
                mask: pick(15).mask,
                markup: pick(16).markup,
            };
            (one, mixed)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_difference_is_the_same_key((one, other) in near_pair()) {
        let same = PictureKey::of(&one) == PictureKey::of(&other);
        prop_assert_eq!(differences(&one, &other).is_empty(), same);
        for difference in differences(&one, &other) {
            prop_assert_ne!(difference.asked, difference.exists);
        }
    }

    /// What is told is what is hashed: the values of the fields alone say which key it is.
    #[test]
    fn the_fields_of_a_picture_decide_its_key((one, other) in near_pair()) {
        let values = |picture: &Picture| of_picture(picture).into_iter().map(|field| field.value).collect::<Vec<_>>();
        prop_assert_eq!(values(&one) == values(&other), PictureKey::of(&one) == PictureKey::of(&other));
    }
}
