//! The wire of the operator's API: what stands in requests and replies below `/admin/v1`.
//!
//! In scope: the documents and their strict reading, windows and cursors. The Worker writes them and the terminal app reads them, so
//! both use these types. Amounts are exact decimal text, times Unix milliseconds, durations have their unit in their name.

pub mod cursor;
pub mod events;
pub mod explain;
pub mod images;
pub mod overview;
mod parameters;
pub mod purges;
pub mod reconcile;
pub mod settings;
pub mod window;

pub use cursor::Cursor;
pub use events::{Event, EventKind, Filter};
pub use images::{ImageDetail, ImagePage, ImageQuery, ImageSummary};
pub use overview::Overview;
pub use parameters::MAX_NUMBER;
pub use purges::{Bounds, Purge, PurgeList, PurgePage, PurgePlan, PurgeRequest};
pub use window::Window;
