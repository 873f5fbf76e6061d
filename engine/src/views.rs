//! What an operator looks at and takes back: the use cases behind `/admin/v1`, but for clients and settings.
//!
//! In scope: asking the catalog, the account of the deployment and the object of a picture, and putting their answers together. Out of
//! scope: who may, which is decided before, and the numbers themselves, which the catalog keeps.

use domain::ApiError;
use domain::access::AccountName;
use domain::admin::overview::{Budget, Now};
use domain::admin::purges::PurgeList;
use domain::admin::{ImageDetail, ImageQuery, PurgeRequest, Window};
use domain::picture::PictureKey;
use domain::purge::PurgeId;
use domain::query::Query;
use futures::future::join;
use serde::Serialize;

use crate::account::spending::Window as Sums;
use crate::account::{AccountAnswer, AccountAsk};
use crate::ask::{self, Answer, Ask};
use crate::catalog::{CatalogAnswer, CatalogAsk, Reach, metrics};
use crate::ports::{EdgePorts, ObjectError};
use crate::reply::Reply;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    Overview,
    Metrics,
    Images,
    Image(PictureKey),
    Purge,
    Purges,
    ShowPurge(PurgeId),
    Undo(PurgeId),
}

pub struct Views<'a, P> {
    pub ports: &'a P,
    pub reach: Reach,
    /// Who asks: `admin`, or `client/<id>`.
    pub by: &'a str,
}

/// The media type of Prometheus' text format, version 0.0.4.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

impl<P: EdgePorts> Views<'_, P> {
    pub async fn run(&self, view: View, query: &Query, body: &[u8]) -> Reply<P::Body> {
        let answered = match view {
            View::Overview => self.overview(query).await,
            View::Metrics => self.metrics(query).await,
            View::Images => self.images(query).await,
            View::Image(key) => self.image(&key, query).await,
            View::Purge => self.purge(query, body).await,
            View::Purges => self.purges(query).await,
            View::ShowPurge(id) => self.show_purge(id, query).await,
            View::Undo(id) => self.undo(id, query).await,
        };
        answered.unwrap_or_else(|error| Reply::refusal(&error))
    }

    async fn overview(&self, query: &Query) -> Result<Reply<P::Body>, ApiError> {
        query.only(&["window"])?;
        let window = Window::parse(query.get("window"), self.ports.now_ms())?;
        let ask = CatalogAsk::Overview { window };
        let (answer, now) = join(self.catalog(&ask), self.now()).await;
        let CatalogAnswer::Overview { mut overview } = answer? else { return Err(unreadable()) };
        overview.now = now;
        Ok(json(200, &*overview))
    }

    async fn metrics(&self, query: &Query) -> Result<Reply<P::Body>, ApiError> {
        query.only(&[])?;
        let (answer, now) = join(self.catalog(&CatalogAsk::Metrics), self.now()).await;
        let CatalogAnswer::Metrics { mut text } = answer? else { return Err(unreadable()) };
        if let Some(now) = now {
            metrics::append(&mut text, &now);
        }
        let mut reply = Reply::json(200, text);
        reply.headers.replace("content-type", METRICS);
        Ok(reply)
    }

    async fn images(&self, query: &Query) -> Result<Reply<P::Body>, ApiError> {
        let query = Box::new(ImageQuery::parse(query)?);
        let CatalogAnswer::Images { page } = self.catalog(&CatalogAsk::Images { query }).await? else {
            return Err(unreadable());
        };
        Ok(json(200, &*page))
    }

    /// What the object of the key holds, and what the catalog knows of it besides. The object alone is enough.
    async fn image(&self, key: &PictureKey, query: &Query) -> Result<Reply<P::Body>, ApiError> {
        query.only(&[])?;
        let summary = CatalogAsk::Summary { key: *key };
        let (object, catalog) = join(ask::ask(self.ports, key, &Ask::Receipts), self.catalog(&summary)).await;
        let (pointer, purged, picture, receipts) = match object? {
            (Answer::Receipts { pointer, purged, picture, receipts }, _) => (pointer, purged, picture, receipts),
            (Answer::Refused { error }, _) => return Err(error),
            _ => {
                let message = "The service could not read the records of this picture. Try again.";
                return Err(ApiError::unavailable("object_unavailable", message));
            }
        };
        if receipts.is_empty() {
            let message = "Nothing was ever made under this key.";
            return Err(ApiError::new(404, "invalid_request_error", "picture_not_found", message));
        }
        let summary = match catalog {
            Ok(CatalogAnswer::Summary { summary }) => summary.map(|summary| *summary),
            _ => None,
        };
        let detail = ImageDetail {
            key: *key,
            picture: picture.map(|picture| *picture),
            summary,
            preferred: pointer.preferred,
            takes: pointer.takes,
            purged,
            receipts,
        };
        Ok(json(200, &detail))
    }

    async fn purge(&self, query: &Query, body: &[u8]) -> Result<Reply<P::Body>, ApiError> {
        query.only(&[])?;
        let request = Box::new(PurgeRequest::parse(body)?);
        let ask = CatalogAsk::Purge {
            request,
            id: PurgeId::new(self.ports.bytes()),
            by: self.by.to_owned(),
            reach: self.reach,
        };
        let CatalogAnswer::Purge { purge } = self.catalog(&ask).await? else { return Err(unreadable()) };
        let status = if purge.ended_ms.is_some() || purge.dry_run { 200 } else { 202 };
        let mut reply = json(status, &*purge);
        if let Some(id) = &purge.id {
            reply.headers.set("location", format!("/admin/v1/purges/{}", id.as_str()));
        }
        Ok(reply)
    }

    async fn purges(&self, query: &Query) -> Result<Reply<P::Body>, ApiError> {
        let PurgeList { after, limit } = PurgeList::parse(query)?;
        let CatalogAnswer::Purges { page } = self.catalog(&CatalogAsk::Purges { after, limit }).await? else {
            return Err(unreadable());
        };
        Ok(json(200, &*page))
    }

    async fn show_purge(&self, id: PurgeId, query: &Query) -> Result<Reply<P::Body>, ApiError> {
        query.only(&[])?;
        let CatalogAnswer::Purge { purge } = self.catalog(&CatalogAsk::ShowPurge { id }).await? else {
            return Err(unreadable());
        };
        Ok(json(200, &*purge))
    }

    async fn undo(&self, id: PurgeId, query: &Query) -> Result<Reply<P::Body>, ApiError> {
        query.only(&[])?;
        let ask = CatalogAsk::Undo { id, by: self.by.to_owned() };
        let CatalogAnswer::Purge { purge } = self.catalog(&ask).await? else { return Err(unreadable()) };
        Ok(json(if purge.ended_ms.is_some() { 200 } else { 202 }, &*purge))
    }

    /// What the account of the deployment says of this moment; `None` where it is out of reach, which must not hide the rest.
    async fn now(&self) -> Option<Now> {
        let answer = self.ports.account(&AccountName::Deployment, &AccountAsk::Spending).await;
        let Ok(AccountAnswer::Spending { spending, .. }) = answer else { return None };
        let budget =
            |window: &Sums| Budget { limit: window.limit, spent: window.sums.settled, reserved: window.sums.reserved };
        Some(Now {
            in_flight: spending.open_reserves,
            generation: spending.generation?,
            day: budget(&spending.day),
            month: budget(&spending.month),
        })
    }

    async fn catalog(&self, ask: &CatalogAsk) -> Result<CatalogAnswer, ApiError> {
        match self.ports.catalog(ask).await {
            Ok(CatalogAnswer::Refused { error }) => Err(*error),
            Ok(answer) => Ok(answer),
            Err(ObjectError { .. }) => Err(ApiError::unavailable(
                "catalog_unavailable",
                "The service cannot reach its catalog. If this was a change, look whether it was made, and try again.",
            )),
        }
    }
}

fn json<B>(status: u16, document: &impl Serialize) -> Reply<B> {
    match serde_json::to_string(document) {
        Ok(text) => Reply::json(status, text),
        Err(_) => Reply::refusal(&unreadable()),
    }
}

fn unreadable() -> ApiError {
    ApiError::unavailable("catalog_unavailable", "The service could not read its catalog. Try again.")
}
