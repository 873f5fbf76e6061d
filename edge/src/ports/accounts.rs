//! Where budgets enter: one client without a budget, so every reserve is granted.
//!
//! The job that reserves keeps the sum on its receipt, so nothing is lost while there is no account to hold it.

use engine::ports::Reserved;

pub const fn reserve() -> Reserved {
    Reserved::Granted
}
