//! How much of a processor the lists take with a hundred thousand pictures. Not a test: `cargo test -p engine
//! catalog::tests::measures -- --ignored --nocapture`.

use super::world::asked;
use super::*;

const PICTURES: u32 = 100_000;

fn filled() -> World {
    const ADJECTIVES: [&str; 20] = [
        "red", "blue", "green", "old", "new", "small", "large", "bright", "dark", "soft", "hard", "warm", "cold",
        "quiet", "loud", "round", "flat", "wild", "calm", "plain",
    ];
    const THINGS: [&str; 25] = [
        "fox", "car", "cat", "house", "tree", "boat", "lamp", "chair", "table", "shoe", "hat", "dress", "cup", "plate",
        "fork", "bird", "horse", "river", "mountain", "street", "window", "door", "garden", "bridge", "clock",
    ];
    let world = World::new();
    for number in 0..PICTURES {
        let at = number as usize;
        let prompt = format!(
            "studio photo of product {number}: a {} {} beside a {} {}, white background, soft light, {}",
            ADJECTIVES[at % 20],
            THINGS[at / 20 % 25],
            ADJECTIVES[at / 7 % 20],
            THINGS[at / 3 % 25],
            if at.is_multiple_of(1_000) { "rare" } else { "usual" },
        );
        let mut registration = Job {
            client: if at.is_multiple_of(3) { "shop" } else { "other" },
            tags: vec![format!("tag{}", at % 50)],
            claimed_ms: NOON_MS - u64::from(number) * 1_000,
            cost: Some(u64::from(number.wrapping_mul(2_654_435_761) % 100_000_000)),
            bytes: u64::from(number.wrapping_mul(40_503) % 3_000_000),
            ..job(0, &prompt)
        }
        .registration();
        registration.receipts[0].id = JobId::new(u128::from(number).to_be_bytes());
        world.register(&registration);
    }
    world
}

/// What this thread has had of a processor: other work on the machine does not count.
fn spent_ms() -> f64 {
    let all = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    all.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn timed<T>(what: &str, run: impl Fn() -> T) {
    let best = (0..3).map(|_| {
        let begun = spent_ms();
        run();
        spent_ms() - begun
    });
    println!("{:>8.1} ms  {what}", best.fold(f64::MAX, f64::min));
}

#[test]
#[ignore = "it measures, and takes a minute"]
fn a_hundred_thousand() {
    let begun = spent_ms();
    let world = filled();
    println!("{:>8.1} ms  {PICTURES} registrations", spent_ms() - begun);
    let filters = [
        "",
        "q=studio",
        "q=s",
        "q=fox",
        "q=rare",
        "q=red+fox",
        "q=product+12345",
        "q=a+o+b",
        "q=%F0%9F%A6%8A",
        "client=shop",
        "client=nobody",
        "tag=tag7",
        "size=1x1",
        "min_hits=1",
        "max_cost_usd=0.0001",
        "q=studio&client=nobody",
    ];
    for sort in ["created", "hits", "cost", "bytes", "last_hit"] {
        for order in ["desc", "asc"] {
            for filter in filters {
                let query = format!("sort={sort}&order={order}&{filter}");
                timed(&query, || world.images(&query));
            }
        }
    }
    let page = world.images("q=studio&limit=200&sort=cost").next.unwrap();
    timed("a second page", || world.images(&format!("q=studio&limit=200&sort=cost&after={page}")));
    timed("near", || {
        world.ask(CatalogAsk::Near { picture: Box::new(picture("studio photo of a small fox on a white background")) })
    });
    for selector in [
        json!({ "all": true }),
        json!({ "prompt": "studio" }),
        json!({ "client": "shop" }),
        json!({ "tag": "tag7" }),
        json!({ "older_than_seconds": 86_400 }),
        json!({ "keys": [job(0, "x").key()] }),
    ] {
        timed(&format!("plan of {selector}"), || world.purge(1, dry(soft(selector.clone()))));
    }
    let begun = spent_ms();
    world.ask(asked(1, soft(json!({ "all": true }))));
    println!("{:>8.1} ms  begin of everything", spent_ms() - begun);
    let begun = spent_ms();
    world.turn();
    println!("{:>8.1} ms  one turn of 256", spent_ms() - begun);
    let begun = spent_ms();
    while world.turn().wake_ms == Some(world.now_ms.get()) {}
    println!("{:>8.1} ms  all of it", spent_ms() - begun);
    timed("state=purged", || world.images("state=purged"));
    timed("state=purged&q=studio&sort=cost", || world.images("state=purged&q=studio&sort=cost"));
    let begun = spent_ms();
    world.ask(CatalogAsk::Undo { id: id(1), by: "admin".to_owned() });
    println!("{:>8.1} ms  begin of its undo", spent_ms() - begun);
}
