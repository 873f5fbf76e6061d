//! Generations: scope is the pictures, what is said about them and what they cost.

use image::ImageFormat;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::helper::{Server, bytes, decode, fox, fox_with};

#[tokio::test]
async fn a_picture_has_the_format_and_the_size_that_were_asked_for() {
    let server = Server::start().await;
    let cases = [
        (json!({}), ImageFormat::Png, 1024, 640, false),
        (json!({"size": "auto"}), ImageFormat::Png, 1024, 1024, false),
        (json!({"size": "3840x2160"}), ImageFormat::Png, 3840, 2160, false),
        (json!({"output_format": "jpeg"}), ImageFormat::Jpeg, 1024, 640, false),
        (
            json!({"output_format": "jpeg", "output_compression": 0, "size": "480x1440"}),
            ImageFormat::Jpeg,
            480,
            1440,
            false,
        ),
        (json!({"output_format": "webp"}), ImageFormat::WebP, 1024, 640, false),
        (json!({"background": "transparent"}), ImageFormat::Png, 1024, 640, true),
        (json!({"background": "transparent", "output_format": "webp"}), ImageFormat::WebP, 1024, 640, true),
    ];
    for (fields, format, width, height, transparent) in cases {
        let response = server.generate(&fox_with(&fields)).await;
        assert_eq!(response.status(), 200, "{fields}");
        let reply: Value = response.json().await.expect("JSON");
        let (found, picture) = decode(&bytes(&reply["data"][0]));
        assert_eq!(found, format, "{fields}");
        assert_eq!((picture.width(), picture.height()), (width, height), "{fields}");
        let clear = picture.to_rgba8().pixels().filter(|pixel| pixel[3] == 0).count();
        assert_eq!(clear > 0, transparent, "{fields}");
        let background = if transparent { "transparent" } else { "opaque" };
        assert_eq!(reply["background"], background);
        assert_eq!(reply["size"], format!("{width}x{height}"));
        let name = format.extensions_str()[0].replace("jpg", "jpeg");
        assert_eq!(reply["output_format"], name);
    }
}

#[tokio::test]
async fn no_two_pictures_are_alike() {
    let server = Server::start().await;
    let mut pictures = Vec::new();
    for _ in 0..2 {
        let response = server.generate(&fox_with(&json!({"n": 2}))).await;
        let reply: Value = response.json().await.expect("JSON");
        let data = reply["data"].as_array().expect("a list");
        assert_eq!(data.len(), 2);
        pictures.extend(data.iter().map(|item| decode(&bytes(item)).1.to_rgb8()));
        // A reset must not make the numbers start again.
        server.control_post("reset", &json!({})).await;
    }
    for (place, one) in pictures.iter().enumerate() {
        for other in &pictures[place + 1..] {
            let differing = one.pixels().zip(other.pixels()).filter(|(a, b)| a != b);
            // The colours differ, not just the few dots of a number.
            assert!(differing.count() > 1024 * 640 / 2);
        }
    }
}

#[tokio::test]
async fn a_reply_says_what_was_made_and_is_billed_so() {
    let server = Server::start().await;
    let body = json!({
        "model": "gpt-image-2.5-sunburst", "prompt": "123456789", "n": 2, "quality": "auto",
        "safety_identifier": "somebody",
    });
    let response = server.generate(&body).await;
    let headers = response.headers().clone();
    let reply: Value = response.json().await.expect("JSON");
    let usage = json!({
        "input_tokens": 6,
        "input_tokens_details": {"text_tokens": 6, "image_tokens": 0},
        "output_tokens": 3512,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": 3512},
        "total_tokens": 3518,
    });
    assert_eq!(reply["usage"], usage);
    assert_eq!(reply["quality"], "high");
    assert_eq!(reply["safety_identifier"], "somebody");
    assert!(reply["created"].as_u64().is_some_and(|created| created > 1_700_000_000));

    for name in ["limit", "remaining", "reset"] {
        for kind in ["requests", "tokens"] {
            let name = format!("x-ratelimit-{name}-{kind}");
            assert!(headers.contains_key(&name), "{name}");
        }
    }
    assert_eq!(headers["openai-version"], "2020-10-01");
    assert!(headers.contains_key("openai-processing-ms"));
    assert!(headers.contains_key("openai-organization"));
    let id = headers["x-request-id"].to_str().expect("a text");
    assert!(id.starts_with("req_"));

    let bills = server.bills().await;
    let at = bills[0]["at"].as_u64().expect("a time");
    assert!(at > 1_700_000_000_000);
    let expected = json!([{
        "id": id, "at": at, "call": 1, "operation": "generation",
        "model": "gpt-image-2.5-sunburst", "prompt": "123456789", "size": "1024x1024",
        "quality": "high", "n": 2, "usage": usage,
        "cost_nano_usd": 6 * 5_000 + 3512 * 30_000,
    }]);
    assert_eq!(Value::from(bills), expected);
}

#[tokio::test]
async fn what_is_wrong_is_refused_without_a_bill() {
    let server = Server::start().await;
    let cases = [
        (json!({"response_format": "url"}), "response_format", "unknown_parameter"),
        (json!({"model": "dall-e-2"}), "model", "model_not_found"),
        (json!({"quality": "max"}), "quality", "invalid_value"),
        (json!({"prompt": null}), "prompt", "missing_required_parameter"),
    ];
    for (fields, param, code) in cases {
        let response = server.generate(&fox_with(&fields)).await;
        assert_eq!(response.status(), 400, "{fields}");
        assert!(response.headers().contains_key("x-request-id"));
        let error = response.json::<Value>().await.expect("JSON")["error"].clone();
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["param"], param);
        assert_eq!(error["code"], code);
    }
    let request = server.post("/images/generations");
    let broken = request.header("content-type", "application/json").body("{");
    let response = broken.send().await.expect("a reply");
    assert_eq!(response.status(), 400);
    let error = response.json::<Value>().await.expect("JSON")["error"].clone();
    assert_eq!(error["code"], Value::Null);
    assert_eq!(server.bills().await.len(), 0);
}

#[tokio::test]
async fn a_call_needs_a_key() {
    let server = Server::start().await;
    for (key, status) in [("Bearer k", 200), ("Bearer ", 401), ("Basic k", 401), ("", 401)] {
        let mut request = server.generation(&fox()).build().expect("a request");
        let value = key.parse().expect("a header value");
        request.headers_mut().insert(AUTHORIZATION, value);
        let response = reqwest::Client::new().execute(request).await;
        let response = response.expect("a reply");
        assert_eq!(response.status(), status, "{key:?}");
        let reply: Value = response.json().await.expect("JSON");
        if status == 401 {
            assert_eq!(reply["error"]["code"], "invalid_api_key");
            assert_eq!(reply["error"]["type"], "invalid_request_error");
        }
    }
    assert_eq!(server.bills().await.len(), 1);
}

#[tokio::test]
async fn other_routes_are_not_there() {
    let server = Server::start().await;
    for path in ["/images/variations", "/images/generations/", "/chat/completions"] {
        let response = server.post(path).json(&fox()).send().await;
        let response = response.expect("a reply");
        assert_eq!(response.status(), 404, "{path}");
        assert!(!response.headers().contains_key("content-type"));
        assert!(!response.headers().contains_key("x-request-id"));
        assert_eq!(response.bytes().await.expect("a body").len(), 0);
    }
}

#[tokio::test]
async fn padding_makes_a_valid_picture_of_the_size_wished_for() {
    let server = Server::start().await;
    for size in [500_000, 20_000_000] {
        server.behave(&json!({"pad_bytes": size})).await;
        let reply: Value = server.generate(&fox()).await.json().await.expect("JSON");
        let file = bytes(&reply["data"][0]);
        assert_eq!(file.len(), size);
        let (format, picture) = decode(&file);
        assert_eq!((format, picture.width()), (ImageFormat::Png, 1024));
    }
    server.behave(&json!({"pad_bytes": 0})).await;
    let reply: Value = server.generate(&fox()).await.json().await.expect("JSON");
    assert!(bytes(&reply["data"][0]).len() < 500_000);
}
