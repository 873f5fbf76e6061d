//! The Worker that most tests share.

use std::ops::Deref;
use std::path::PathBuf;

use e2e::{Client, Edge};
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

static EDGE: OnceCell<Edge> = OnceCell::const_new();
static USE: RwLock<()> = RwLock::const_new(());

/// A client of the shared Worker, for as long as this is held.
pub(crate) struct Shared<Guard> {
    client: Client,
    worker: &'static Edge,
    _guard: Guard,
}

impl<Guard> Shared<Guard> {
    /// The folder with KV, R2 and the objects.
    pub(crate) fn state(&self) -> PathBuf {
        self.worker.state()
    }
}

impl<Guard> Deref for Shared<Guard> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Beside other tests: the stand-in answers at once and never fails.
pub(crate) async fn shared() -> Shared<RwLockReadGuard<'static, ()>> {
    with(USE.read().await).await
}

/// Alone: the behaviour of the stand-in and the count of its calls are this test's.
pub(crate) async fn alone() -> Shared<RwLockWriteGuard<'static, ()>> {
    with(USE.write().await).await
}

async fn with<Guard>(guard: Guard) -> Shared<Guard> {
    let edge = EDGE.get_or_try_init(async || Edge::start(&[])).await.expect("a Worker to test");
    let client = edge.client().expect("a client");
    // Whoever was alone may have failed before it could tidy up.
    client.behave_well().await.expect("a stand-in that answers");
    client.unlimit_deployment().await.expect("an edge that answers");
    Shared { client, worker: edge, _guard: guard }
}
