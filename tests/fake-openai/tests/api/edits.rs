//! Edits: scope is both forms of the body, and what is said about pictures handed in.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::helper::{Server, bytes, decode, plain_picture};

/// A form with texts and files, in the order given, as the SDKs send it.
fn form(texts: &[(&str, &str)], files: &[(&str, Vec<u8>)]) -> Form {
    let mut form = Form::new();
    for (name, file) in files {
        let part = Part::bytes(file.clone()).file_name("upload");
        let part = part.mime_str("application/octet-stream");
        form = form.part((*name).to_owned(), part.expect("a media type"));
    }
    for (name, text) in texts {
        form = form.text((*name).to_owned(), (*text).to_owned());
    }
    form
}

const TEXTS: [(&str, &str); 5] =
    [("model", "gpt-image-2"), ("prompt", "A hat"), ("n", "2"), ("stream", "false"), ("size", "1024x640")];

#[tokio::test]
async fn a_form_with_pictures_is_edited() {
    let png = plain_picture(64, 32, ImageFormat::Png);
    let jpeg = plain_picture(64, 32, ImageFormat::Jpeg);
    let webp = plain_picture(64, 32, ImageFormat::WebP);
    let cases = [
        (vec![("image", jpeg.clone())], 1),
        (vec![("image[]", png.clone())], 1),
        (vec![("image[]", webp), ("image[]", jpeg)], 2),
        (vec![("mask", png.clone()), ("image", png.clone())], 1),
        (vec![("image[]", png); 16], 16),
    ];
    for (files, inputs) in cases {
        let server = Server::start().await;
        let request = server.post("/images/edits").multipart(form(&TEXTS, &files));
        let response = request.send().await.expect("a reply");
        assert_eq!(response.status(), 200);
        let reply: Value = response.json().await.expect("JSON");
        assert_eq!(reply["data"].as_array().map(Vec::len), Some(2));
        assert_eq!(decode(&bytes(&reply["data"][1])).1.height(), 640);
        let details = json!({"text_tokens": 4, "image_tokens": 2 * inputs * 1450});
        assert_eq!(reply["usage"]["input_tokens_details"], details);
        assert_eq!(server.bills().await[0]["operation"], "edit");
    }
}

#[tokio::test]
async fn a_json_body_with_references_is_edited() {
    let encoded = BASE64_STANDARD.encode(plain_picture(64, 32, ImageFormat::Png));
    let data_url = format!("data:image/png;base64,{encoded}");
    let server = Server::start().await;
    let mut body = json!({
        "model": "gpt-image-1.5", "prompt": "A hat", "input_fidelity": "high",
        "images": [{"image_url": data_url}, {"file_id": "file-1"}],
        "mask": {"image_url": data_url},
    });
    let response = server.post("/images/edits").json(&body).send().await;
    let reply: Value = response.expect("a reply").json().await.expect("JSON");
    assert_eq!(reply["usage"]["input_tokens_details"]["image_tokens"], 2900);
    assert_eq!(reply["usage"]["output_tokens"], 1056);

    let wrong = [
        json!([]),
        json!([{"image_url": data_url, "file_id": "file-1"}]),
        json!([{"image_url": "data:image/png;base64,AAAA"}]),
        json!([{"image_url": "http://localhost/picture.png"}]),
        json!({"image_url": data_url}),
    ];
    for images in wrong {
        body["images"] = images.clone();
        let response = server.post("/images/edits").json(&body).send().await;
        assert_eq!(response.expect("a reply").status(), 400, "{images}");
    }
    assert_eq!(server.bills().await.len(), 1);
}

#[tokio::test]
async fn a_form_that_is_wrong_is_refused() {
    let server = Server::start().await;
    let png = plain_picture(64, 32, ImageFormat::Png);
    let jpeg = plain_picture(64, 32, ImageFormat::Jpeg);
    let image = ("image", png.clone());
    let model = ("model", "gpt-image-2");
    let prompt = ("prompt", "A hat");
    let cases = [
        (vec![model, prompt], vec![], "image"),
        (vec![model, prompt], vec![("image", b"text".to_vec())], "image"),
        (vec![model, prompt], vec![("image[]", png.clone()); 17], "image"),
        (vec![model], vec![image.clone()], "prompt"),
        (vec![model, prompt, ("n", "x")], vec![image.clone()], "n"),
        (vec![model, prompt, ("style", "vivid")], vec![image.clone()], "style"),
        (vec![model, prompt, ("input_fidelity", "high")], vec![image.clone()], "input_fidelity"),
        (vec![model, prompt], vec![image.clone(), ("mask", jpeg)], "mask"),
        (vec![model, prompt], vec![image.clone(), ("mask", plain_picture(32, 32, ImageFormat::Png))], "mask"),
        (vec![model, prompt], vec![image, ("markup", png)], "markup"),
    ];
    for (texts, files, param) in cases {
        let request = server.post("/images/edits").multipart(form(&texts, &files));
        let response = request.send().await.expect("a reply");
        assert_eq!(response.status(), 400, "{param} of {texts:?}");
        let reply: Value = response.json().await.expect("JSON");
        assert_eq!(reply["error"]["param"], param, "{reply}");
    }
    assert_eq!(server.bills().await.len(), 0);
}

#[tokio::test]
async fn the_journal_shows_the_parts_of_a_form() {
    let server = Server::start().await;
    let png = plain_picture(64, 32, ImageFormat::Png);
    let length = png.len();
    let files = [("image[]", png)];
    let request = server.post("/images/edits");
    let request = request.multipart(form(&[("prompt", "A hat")], &files));
    request.send().await.expect("a reply");
    let calls = server.control_get("calls").await;
    let expected = json!([
        {"name": "image[]", "filename": "upload", "content_type": "application/octet-stream",
         "bytes": length},
        {"name": "prompt", "filename": null, "content_type": null, "bytes": 5, "text": "A hat"},
    ]);
    assert_eq!(calls["requests"][0]["body"], expected);
}
