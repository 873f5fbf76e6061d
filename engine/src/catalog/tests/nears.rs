//! Pictures that are like another.

use domain::picture::Size;

use super::*;

#[track_caller]
fn check(world: &World, asked: &Picture, expected: &[(&str, Size)]) {
    let CatalogAnswer::Near { pictures } = world.ask(CatalogAsk::Near { picture: Box::new(asked.clone()) }) else {
        panic!("no pictures");
    };
    for (key, picture) in &pictures {
        assert_eq!(PictureKey::of(picture), *key);
    }
    let got: Vec<_> = pictures.iter().map(|(_, picture)| (picture.prompt.as_str(), picture.size)).collect();
    assert_eq!(got, expected);
}

#[test]
fn the_same_prompt_first() {
    const LARGE: Size = Size::Pixels { width: 2_048, height: 2_048 };
    let mut large = job(2, "a red fox in the snow");
    large.picture.size = LARGE;
    let mut dispatched = Job { state: State::Dispatched, ..job(6, "a red fox") };
    dispatched.picture.moderation = domain::picture::options::Moderation::Low;
    let jobs = [
        job(1, "a red fox"),
        large.clone(),
        job(3, "a blue fox at night"),
        job(4, "a red car"),
        job(5, "🦊"),
        dispatched.clone(),
    ];
    let world = World::with(&jobs);
    check(&world, &picture("a red fox in the snow"), &[("a red fox in the snow", LARGE)]);
    // The picture itself is not like itself.
    check(
        &world,
        &large.picture,
        &[("a red fox", Size::Auto), ("a red car", Size::Auto), ("a blue fox at night", Size::Auto)],
    );
    check(&world, &dispatched.picture, &[("a red fox", Size::Auto)]);
    check(&world, &picture("night night NIGHT"), &[("a blue fox at night", Size::Auto)]);
    check(&world, &picture("\"car\" OR NEAR(*)"), &[("a red car", Size::Auto)]);
    check(&world, &picture("🦊🦊"), &[]);
    check(&world, &picture("nothing alike"), &[]);
}
