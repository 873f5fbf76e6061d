//! Signatures, and `docs/SIGNING.md`: each helper in it is taken out as it stands and has pictures made.

use std::fs;
use std::process::Command;

use e2e::{Client, Scratch, fetch, picture, sign, tools, with};
use serde_json::{Value, json};

use crate::check::{hit, refusal, refusal_of, whole_picture};
use crate::shared::shared;

/// The helper for Rust; `build.rs` takes it out of the document.
mod helper {
    include!(concat!(env!("OUT_DIR"), "/signing_helper.rs"));
}

const PROMPTS: [&str; 6] = [
    "a plain kettle",
    "salt & pepper = 100% + more",
    "caf\u{e9} na\u{ef}ve \u{c5}ngstr\u{f6}m",
    "a \u{1f98a} and a \u{1f989}, \u{65e5}\u{672c}",
    "it's (very) *odd*! ~ -_. / ? # [x] %41",
    "a second line\nand \"quotes\"",
];

fn document() -> String {
    fs::read_to_string(tools::workspace("docs/SIGNING.md")).unwrap()
}

/// What stands in the one fence that begins so.
fn fenced(document: &str, start: &str) -> String {
    let [_, rest] = document.split(start).collect::<Vec<_>>().try_into().unwrap();
    rest.split_once("```\n").unwrap().0.to_owned()
}

/// The requests, as the helpers take them, for one language.
fn requests(language: &str) -> Vec<Value> {
    PROMPTS.map(|prompt| picture(&format!("{prompt}, in {language}"))).into()
}

/// Every address opens for everybody and makes the picture that it names, once.
async fn check(pincel: &Client, language: &str, urls: &[String]) {
    let asked = requests(language);
    assert_eq!(urls.len(), asked.len(), "{urls:?}");
    for (url, asked) in urls.iter().zip(&asked) {
        let made = fetch(pincel.anonymous("GET", url)).await.unwrap();
        whole_picture(&made);
        let same = fetch(pincel.get(asked)).await.unwrap();
        hit(&same);
        assert_eq!(same.body, made.body, "{url}");
        assert_eq!(pincel.bills(asked["prompt"].as_str().unwrap()).await.unwrap().len(), 1, "{url}");
        refusal(
            &fetch(pincel.anonymous("GET", &url.replace("1024x640", "1024x656"))).await.unwrap(),
            403,
            "invalid_signature",
        );
    }
}

fn run(program: std::path::PathBuf, script: &std::path::Path, pincel: &Client, language: &str) -> Vec<String> {
    let keys = &pincel.keys;
    let output = Command::new(program)
        .arg(script)
        .args([&pincel.edge, &keys.signing_key_id, &keys.signing_secret])
        .arg(json!(requests(language)).to_string())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_helper_for_python() {
    let pincel = shared().await;
    let helper = fenced(&document(), "```python\n");
    let main = "\nimport json, sys\nbase, kid, secret, requests = sys.argv[1:]\n\
                for params in json.loads(requests):\n    print(signed_url(base, params, kid, secret))\n";
    let scratch = Scratch::new().unwrap();
    let script = scratch.write("helper.py", &(helper + main)).unwrap();
    check(&pincel, "python", &run(tools::python().unwrap(), &script, &pincel, "python")).await;
}

#[tokio::test]
async fn the_helper_for_node() {
    let pincel = shared().await;
    let helper = fenced(&document(), "```js\n");
    let main = "\nconst [base, kid, secret, requests] = process.argv.slice(2);\n\
                for (const params of JSON.parse(requests)) console.log(signedUrl(base, params, kid, secret));\n";
    let scratch = Scratch::new().unwrap();
    let script = scratch.write("helper.mjs", &(helper + main)).unwrap();
    check(&pincel, "node", &run(tools::node().unwrap(), &script, &pincel, "node")).await;
}

#[tokio::test]
async fn the_helper_for_rust() {
    let pincel = shared().await;
    let keys = &pincel.keys;
    let urls: Vec<String> = requests("rust")
        .iter()
        .map(|params| {
            let params = params.as_object().unwrap().iter();
            let pairs: Vec<_> = params.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
            helper::signed_url(&pincel.edge, &pairs, &keys.signing_key_id, &keys.signing_secret, 3600)
        })
        .collect();
    check(&pincel, "rust", &urls).await;
}

/// The worked example of the document, by the witness that shares no code with the Worker.
#[test]
fn the_example_has_the_signature_that_it_says() {
    let document = document();
    let lines = fenced(&document, "```\nGET\n");
    let [path, query] = lines.lines().collect::<Vec<_>>().try_into().unwrap();
    let pairs = [
        ("size", "1024x1024"),
        ("prompt", "a red bicycle & 100% caf\u{e9}"),
        ("quality", "low"),
        ("kid", "shop-1a2b3c4d"),
        ("exp", "1800000000"),
    ];
    let mut sorted = pairs;
    sorted.sort_unstable();
    assert_eq!(sign::query(&sorted), query);
    let signature = sign::signature(path, &pairs, &"s".repeat(43));
    assert!(document.contains(&format!("the signature is `{signature}`")), "{signature}");
}

/// How a query is written does not matter; what it says does.
#[tokio::test]
async fn a_signature_covers_what_is_said_and_not_how() {
    let pincel = shared().await;
    let asked = picture("a fox & a hare, 100% + caf\u{e9}");
    let url = pincel.signed(&asked);
    let (path, query) = url.split_once('?').unwrap();
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.reverse();
    let made = fetch(pincel.anonymous("GET", &url)).await.unwrap();
    whole_picture(&made);
    let get = async |query: &str| fetch(pincel.anonymous("GET", &format!("{path}?{query}"))).await.unwrap();
    for other in [
        pairs.join("&"),
        query.replace("%20", "+"),
        query.replace("%C3%A9", "%c3%a9"),
        query.replace("quality", "%71uality").replace("low", "%6C%6f%77"),
        format!("&{query}&"),
        format!("{query}&download=1"),
        format!("download=a.png&{query}"),
        format!("{query}#a-part-that-browsers-keep"),
    ] {
        let reply = get(&other).await;
        assert_eq!((reply.status, &reply.body), (200, &made.body), "{other}: {reply:?}");
    }
    let exp = query.split('&').find(|pair| pair.starts_with("exp=")).unwrap();
    for other in [
        format!("{query}&take=1"),
        format!("{query}&model=gpt-image-2"),
        format!("{query}&Download=1"),
        format!("{query}&downloads=1"),
        query.replace(exp, "exp=9999999999"),
        query.replace(&format!("{exp}&"), ""),
        query.replace("fox", "dog"),
        query.replace("%2B", "+"),
        query.replace("%25", "%2525"),
    ] {
        assert_ne!(other, query);
        refusal(&get(&other).await, 403, "invalid_signature");
    }
    for (other, param) in [
        (format!("{query}&prompt=another"), "prompt"),
        (format!("{query}&{}", query.split('&').next().unwrap()), query.split('=').next().unwrap()),
        (format!("{query}&{exp}"), "exp"),
        (format!("{query}&download=1&download=2"), "download"),
    ] {
        let reply = get(&other).await;
        // Whoever holds no readable signature is told no more than that.
        if reply.status == 400 {
            refusal_of(&reply, 400, "duplicate_parameter", param);
        } else {
            refusal(&reply, 401, "missing_credentials");
        }
    }
    assert_eq!(pincel.bills(asked["prompt"].as_str().unwrap()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_signature_is_for_looking_and_for_nothing_else() {
    let pincel = shared().await;
    let asked = picture("a shop sign");
    let url = pincel.signed(&asked);
    let head = fetch(pincel.anonymous("HEAD", &url)).await.unwrap();
    assert_eq!((head.status, head.body.len()), (404, 0), "{head:?}");
    whole_picture(&fetch(pincel.anonymous("GET", &url)).await.unwrap());
    let head = fetch(pincel.anonymous("HEAD", &url)).await.unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0), "{head:?}");

    let (keys, soon) = (&pincel.keys, sign::seconds_from_now(60));
    let signed = |path: &str, pairs: &[(&str, &str)]| {
        sign::signed(path, pairs, &keys.signing_key_id, &keys.signing_secret, soon)
    };
    let body = with(&asked, json!({ "prompt": "a shop sign, forged" }));
    for path in ["/v1/images/generations", "/v1/images/quote", "/v1/images/sign", "/v1/image"] {
        let reply = fetch(pincel.anonymous("POST", &signed(path, &[])).json(&body)).await.unwrap();
        if path == "/v1/image" {
            refusal(&reply, 405, "method_not_allowed");
        } else {
            assert!(matches!(reply.status, 401 | 403), "{path}: {reply:?}");
        }
    }
    for path in ["/admin/v1/clients", "/admin/v1/deployment", &pincel.admin_path("")] {
        refusal(&fetch(pincel.anonymous("GET", &signed(path, &[]))).await.unwrap(), 401, "missing_credentials");
    }
    assert_eq!(pincel.calls("a shop sign, forged").await.unwrap().len(), 0);
    let expired =
        fetch(pincel.anonymous("GET", &pincel.signed_until(&asked, sign::seconds_from_now(0) - 1))).await.unwrap();
    refusal(&expired, 403, "signature_expired");
    assert_eq!(expired.header("x-should-retry"), "false");
}
