//! The feed.

use domain::admin::events::SettingsEvent;
use domain::admin::{Event, EventKind, Filter};

use super::*;

fn settings(version: u64) -> Event {
    Event::Settings(SettingsEvent { at_ms: NOON_MS, version, by: "admin".to_owned() })
}

fn note(world: &World, event: Event) {
    assert_eq!(world.ask(CatalogAsk::Note { event: Box::new(event) }), CatalogAnswer::Done);
}

/// The numbers of the events, and how many were missed.
fn events(world: &World, after: u64, filter: &Filter, limit: u32) -> (Vec<u64>, u64) {
    match world.ask(CatalogAsk::Events { after, filter: filter.clone(), limit }) {
        CatalogAnswer::Events { events, missed } => (events.into_iter().map(|(id, _)| id).collect(), missed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_filters_and_limits() {
    let world = World::new();
    let all = Filter::default();
    assert_eq!((world.catalog.last_event().unwrap(), events(&world, 0, &all, 9)), (0, (vec![], 0)));
    for version in 1..=4 {
        note(&world, settings(version));
    }
    world.tell(&job(1, "a"));
    let generations = Filter { kinds: vec![EventKind::Generation], ..all.clone() };
    assert_eq!(world.catalog.last_event().unwrap(), 5);
    assert_eq!(events(&world, 0, &all, 9), (vec![1, 2, 3, 4, 5], 0));
    assert_eq!(events(&world, 3, &all, 9), (vec![4, 5], 0));
    assert_eq!(events(&world, 0, &all, 2), (vec![1, 2], 0));
    assert_eq!(events(&world, 0, &generations, 1), (vec![5], 0));
    assert_eq!(events(&world, 5, &all, 9), (vec![], 0));
    assert_eq!(events(&world, 77, &all, 9), (vec![], 0));
    let nothing = Filter { only_errors: true, ..all };
    assert_eq!(events(&world, 0, &nothing, 9), (vec![], 0));
}

#[test]
fn the_last_five_thousand_are_kept() {
    let world = World::new();
    let all = Filter::default();
    for version in 1..=6_000 {
        note(&world, settings(version));
        if version > 5_000 && version % 83 == 0 {
            let kept = events(&world, 0, &all, u32::MAX).0.len() as u64;
            assert!((5_000..5_250).contains(&kept), "{kept} of {version}");
        }
    }
    let (ids, missed) = events(&world, 10, &all, 1);
    assert_eq!((ids, missed), (vec![1_001], 990));
    assert_eq!(events(&world, 1_000, &all, 1), (vec![1_001], 0));
    assert_eq!(events(&world, 0, &all, 1), (vec![1_001], 0));
    // Also where nothing that is kept is wanted.
    let generations = Filter { kinds: vec![EventKind::Generation], ..all };
    assert_eq!(events(&world, 10, &generations, 1), (vec![], 990));
}

#[test]
fn a_job_is_told_by_its_states_and_not_by_its_snapshots() {
    let world = World::new();
    let ended = Job { takes: vec![0, 1], ..job(1, "a") };
    let begun = Job { state: State::Dispatched, ..ended.clone() };
    for job in [&begun, &begun, &ended, &begun, &ended] {
        world.register(&job.registration());
    }
    let CatalogAnswer::Events { events, .. } =
        world.ask(CatalogAsk::Events { after: 0, filter: Filter::default(), limit: 9 })
    else {
        panic!("no events");
    };
    let told: Vec<_> = events
        .into_iter()
        .map(|(_, event)| match event {
            Event::Generation(event) => (event.state, event.cost.map(|cost| cost.0), event.provider_ms, event.at_ms),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        (State::Dispatched, None, None, NOON_MS + 1_000),
        (State::Settled, Some(80_000_000), Some(1_000), NOON_MS + 2_000),
    ];
    assert_eq!(told, expected);
}
