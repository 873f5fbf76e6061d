//! The runtime settings, as this isolate last heard of them.

use std::rc::Rc;

use domain::runtime::RuntimeSettings;
use worker::Env;

#[expect(clippy::unused_async, reason = "it will ask the deployment's account")]
pub async fn known(_: &Env) -> Rc<RuntimeSettings> {
    Rc::default()
}
