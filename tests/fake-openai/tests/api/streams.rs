//! Streamed replies: scope is the events, their order and how they break.

use image::ImageFormat;
use reqwest::Response;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::helper::{Server, bytes, decode, fox_with, plain_picture};

/// The events of a reply that ends well, each checked to be named by its type.
async fn events(response: Response) -> Vec<Value> {
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str();
    assert!(kind.expect("a text").starts_with("text/event-stream"));
    assert!(response.headers().contains_key("x-request-id"));
    let text = response.text().await.expect("a whole body");
    let blocks = text.split_terminator("\n\n");
    blocks
        .map(|block| {
            let (first, second) = block.split_once('\n').expect("two lines");
            let data = second.strip_prefix("data: ").expect("data");
            let data: Value = serde_json::from_str(data).expect("JSON");
            assert_eq!(first, format!("event: {}", data["type"].as_str().expect("a type")));
            data
        })
        .collect()
}

#[tokio::test]
async fn partial_pictures_come_before_the_finished_one() {
    for (n, partials) in [(1, 0), (1, 3), (2, 1)] {
        let server = Server::start().await;
        let fields = json!({"stream": true, "partial_images": partials, "n": n});
        let events = events(server.generate(&fox_with(&fields)).await).await;
        let mut expected = Vec::new();
        for _ in 0..n {
            let stages = (0..partials).map(|stage| ("image_generation.partial_image", json!(stage)));
            expected.extend(stages);
            expected.push(("image_generation.completed", Value::Null));
        }
        let found: Vec<(&str, Value)> = events
            .iter()
            .map(|event| {
                let name = event["type"].as_str().expect("a type");
                (name, event["partial_image_index"].clone())
            })
            .collect();
        assert_eq!(found, expected);

        let mut files = Vec::new();
        for event in &events {
            let file = bytes(event);
            let (format, picture) = decode(&file);
            assert_eq!((format, picture.width(), picture.height()), (ImageFormat::Png, 1024, 640));
            assert!(!files.contains(&file), "a picture came twice");
            files.push(file);
            let said = [&event["size"], &event["quality"], &event["background"]];
            assert_eq!(said, ["1024x640", "low", "opaque"]);
            assert_eq!(event["output_format"], "png");
            assert!(event["created_at"].is_u64());
        }
        let usage = &events.last().expect("an event")["usage"];
        // 107 tokens by the formula, and a hundred for each partial picture.
        assert_eq!(usage["output_tokens"], 107 + 100 * partials);
        assert!(usage.get("output_tokens_details").is_none());
        let bills = server.bills().await;
        assert_eq!(bills.len(), 1);
        assert_eq!(bills[0]["usage"]["output_tokens"], n * (107 + 100 * partials));
    }
}

#[tokio::test]
async fn an_edit_names_its_events_after_itself() {
    let server = Server::start().await;
    let file = Part::bytes(plain_picture(64, 32, ImageFormat::Png)).file_name("upload");
    let mut form = Form::new().part("image", file);
    for (name, text) in [("model", "gpt-image-2"), ("prompt", "A hat"), ("stream", "true"), ("partial_images", "1")] {
        form = form.text(name, text);
    }
    let request = server.post("/images/edits").multipart(form);
    let events = events(request.send().await.expect("a reply")).await;
    let names: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(names, ["image_edit.partial_image", "image_edit.completed"]);
}

#[tokio::test]
async fn what_fails_late_is_an_event_and_what_fails_early_a_status() {
    let cases = [
        ("moderation", Some("moderation_blocked"), 0),
        ("server_error", Some("server_error"), 0),
        ("error_after_billing", Some("server_error"), 1),
        ("rate_limit", None, 0),
        ("quota", None, 0),
        ("unauthorized", None, 0),
        ("unverified", None, 0),
        ("overloaded", None, 0),
        ("empty_404", None, 0),
    ];
    for (fail, code, bills) in cases {
        let server = Server::start().await;
        server.behave(&json!({"fail": fail})).await;
        let fields = json!({"stream": true, "partial_images": 1});
        let response = server.generate(&fox_with(&fields)).await;
        match code {
            Some(code) => {
                let events = events(response).await;
                let last = events.last().expect("an event");
                assert_eq!(events.len(), 2, "{fail}");
                assert_eq!(last["type"], "error", "{fail}");
                assert_eq!(last["error"]["code"], code, "{fail}");
            }
            None => assert!(response.status().as_u16() >= 400, "{fail}"),
        }
        assert_eq!(server.bills().await.len(), bills, "{fail}");
    }
}

#[tokio::test]
async fn a_stream_can_break_or_lie() {
    for fail in ["cut_mid_body", "garbage", "not_an_image"] {
        let server = Server::start().await;
        server.behave(&json!({"fail": fail})).await;
        let response = server.generate(&fox_with(&json!({"stream": true}))).await;
        assert_eq!(response.status(), 200);
        let body = response.text().await;
        match fail {
            "cut_mid_body" => assert!(body.is_err(), "the stream ended cleanly"),
            "garbage" => {
                let body = body.expect("a whole body");
                let data = body.trim().strip_prefix("data: ").expect("data");
                assert!(serde_json::from_str::<Value>(data).is_err());
            }
            _ => {
                let body = body.expect("a whole body");
                let (_, data) = body.trim().split_once("data: ").expect("data");
                let event: Value = serde_json::from_str(data).expect("JSON");
                assert!(image::guess_format(&bytes(&event)).is_err());
            }
        }
        assert_eq!(server.bills().await.len(), 1, "{fail}");
    }
}
