//! The Catalog object, of which there is one: the list of every picture, and who watches the feed.
//!
//! Whoever watches is connected by a `WebSocket` that hibernates: while nothing happens the object is not in memory, and an idle feed
//! costs nothing. The isolate at the other end makes server-sent events of it (`glue.js`, `feed`).

use std::rc::Rc;

use domain::admin::{Event, Filter};
use domain::query::Query;
use engine::catalog::{Catalog as Engine, CatalogAnswer, CatalogAsk, runner};
use serde::{Deserialize, Serialize};
use worker::wasm_bindgen;
use worker::{
    DurableObject, Env, Error, Request, Response, State, WebSocket, WebSocketIncomingMessage, WebSocketPair,
    durable_object,
};

use super::database::Database;
use crate::ports::{self, Curator};

/// The parameter of the address that says what is wanted of the feed.
pub const WATCH: &str = "watch";

/// How many events one turn sends to one socket.
const AT_ONCE: u32 = 500;

#[durable_object]
pub struct Catalog {
    state: Rc<State>,
    engine: Engine<Database>,
    curator: Curator,
}

/// What stands beside a socket while the object hibernates.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Watch {
    /// The last event that was considered for it.
    pub after: Option<u64>,
    pub filter: Filter,
}

impl DurableObject for Catalog {
    fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        let engine = Engine::new(Database::new(&state.storage()));
        Self { engine, curator: Curator::new(Rc::clone(&state), env), state }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let url = request.url()?;
        if let Some(query) = url.query() {
            let query = Query::parse(query).map_err(failed)?;
            return self.watch(query.get(WATCH).unwrap_or_default());
        }
        let ask: CatalogAsk = serde_json::from_slice(&request.bytes().await?).map_err(failed)?;
        self.engine.watch(!self.state.get_websockets().is_empty());
        let answer = if matches!(ask, CatalogAsk::Purge { .. } | CatalogAsk::Undo { .. }) {
            runner::purge(&self.engine, &self.curator, ask).await.map_err(failed)?.0
        } else {
            let answer = self.engine.ask(ask, ports::now_ms()).map_err(failed)?;
            runner::arm(&self.engine, &self.curator).await.map_err(failed)?;
            answer
        };
        self.tell()?;
        Response::ok(serde_json::to_string(&answer)?)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let turn = runner::turn(&self.engine, &self.curator, None).await;
        self.tell()?;
        turn.map_err(failed)?;
        Response::ok("")
    }

    async fn websocket_message(&self, _: WebSocket, _: WebSocketIncomingMessage) -> worker::Result<()> {
        // A feed goes one way.
        Ok(())
    }

    async fn websocket_close(&self, socket: WebSocket, _: usize, _: String, _: bool) -> worker::Result<()> {
        // It may be closed on both sides already.
        let _ = socket.close(Some(1000), Some(""));
        Ok(())
    }

    async fn websocket_error(&self, _: WebSocket, _: Error) -> worker::Result<()> {
        Ok(())
    }
}

impl Catalog {
    fn watch(&self, watch: &str) -> worker::Result<Response> {
        let mut watch: Watch = serde_json::from_str(watch)?;
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        self.state.accept_web_socket(&server);
        // Without a place to go on from it begins with what comes next.
        watch.after = Some(watch.after.map_or_else(|| self.engine.last_event(), Ok).map_err(failed)?);
        self.send(&server, watch)?;
        Response::from_websocket(client)
    }

    /// Sends what is new to whoever watches.
    fn tell(&self) -> worker::Result<()> {
        for socket in self.state.get_websockets() {
            let watch: Watch = socket.deserialize_attachment()?.unwrap_or_default();
            self.send(&socket, watch)?;
        }
        Ok(())
    }

    fn send(&self, socket: &WebSocket, mut watch: Watch) -> worker::Result<()> {
        let newest = self.engine.last_event().map_err(failed)?;
        let mut after = watch.after.unwrap_or_default();
        while after < newest {
            let ask = CatalogAsk::Events { after, filter: watch.filter.clone(), limit: AT_ONCE };
            let answer = self.engine.ask(ask, ports::now_ms()).map_err(failed)?;
            let CatalogAnswer::Events { events, missed } = answer else { break };
            // A socket that is closing takes nothing any more; its reader comes back and says where it was.
            if missed > 0 {
                // It was away for longer than events are kept.
                let _ = socket.send_with_str(format!("event: dropped\ndata: {{\"events\":{missed}}}\n\n"));
            }
            for (id, event) in &events {
                let _ = socket.send_with_str(line(*id, event)?);
            }
            after = match events.last() {
                Some((id, _)) if events.len() >= AT_ONCE as usize => *id,
                _ => newest,
            };
        }
        watch.after = Some(newest);
        socket.serialize_attachment(&watch)
    }
}

/// An event as it stands in the stream (HTML, server-sent events). JSON has no line ends.
fn line(id: u64, event: &Event) -> worker::Result<String> {
    Ok(format!("id: {id}\nevent: {}\ndata: {}\n\n", event.kind().as_str(), serde_json::to_string(event)?))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::RustError(error.to_string())
}
