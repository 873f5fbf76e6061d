//! What a request would cost.

use super::*;

#[track_caller]
fn check(object: Said, policy: &Value, body: &Value, expected: Result<&Value, (u16, &str)>) {
    let fake = Fake::answering([object]);
    let who = with_policy(Proof::Bearer, policy);
    now(fake.account(
        &AccountName::Client(who.client.id.clone()),
        &AccountAsk::Open { client: Box::new((*who.client).clone()) },
    ))
    .unwrap();
    let text = body.to_string();
    let reply = serve(&fake, async |service| service.quote(&who, text.as_bytes()).await);
    match expected {
        Ok(expected) => {
            assert_eq!(reply.status, 200, "{reply:?}");
            let ReplyBody::Text(text) = &reply.body else { panic!("{reply:?}") };
            let mut quote: Value = serde_json::from_str(text).unwrap();
            assert_eq!(quote["key"].as_str().unwrap().len(), 64);
            quote.as_object_mut().unwrap().remove("key");
            assert_eq!(quote, *expected);
        }
        Err((status, why)) => assert_eq!((reply.status, code(&reply).as_str()), (status, why)),
    }
    assert_eq!(fake.wants(), []);
}

#[test]
fn table() {
    let asked =
        |n: u32| json!({ "prompt": "a cat", "model": "gpt-image-2", "size": "1024x1024", "quality": "low", "n": n });
    let free = json!({ "limit_usd": null, "left_usd": null });
    // 196 tokens at 30 dollars a million; input and its frame at 8.
    let (least, most) = ("0.00588", "0.006432");
    check(
        found(None),
        &json!({}),
        &asked(1),
        Ok(&json!({
            "cached": false, "pictures": 1, "pictures_cached": 0, "affordable": true,
            "price_usd": { "least": least, "most": most }, "budget": { "day": free, "month": free },
        })),
    );
    // Two of three are there.
    check(
        found(Some(pool(2))),
        &json!({}),
        &asked(3),
        Ok(&json!({
            "cached": false, "pictures": 3, "pictures_cached": 2, "affordable": true,
            "price_usd": { "least": least, "most": most }, "budget": { "day": free, "month": free },
        })),
    );
    let little = json!({ "limit_usd": "0.006", "left_usd": "0.006" });
    check(
        found(None),
        &json!({ "budget_per_day_usd": "0.006" }),
        &asked(1),
        Ok(&json!({
            "cached": false, "pictures": 1, "pictures_cached": 0, "affordable": false,
            "price_usd": { "least": least, "most": most }, "budget": { "day": little, "month": free },
        })),
    );
    // What exists costs nothing, and nothing is affordable without a budget.
    check(
        found(Some(pool(2))),
        &json!({ "budget_per_month_usd": "0.00" }),
        &asked(2),
        Ok(&json!({
            "cached": true, "pictures": 2, "pictures_cached": 2, "affordable": true,
            "price_usd": { "least": "0.00", "most": "0.00" },
            "budget": { "day": free, "month": { "limit_usd": "0.00", "left_usd": "0.00" } },
        })),
    );
    check(found(None), &json!({ "models": ["gpt-image-2.6-flare"] }), &asked(1), Err((403, "model_not_allowed")));
    check(found(None), &json!({}), &json!({ "prompt": "" }), Err((400, "invalid_value")));
}
