//! What goes wrong in one schedule, and how often.
//!
//! Each schedule switches each kind of fault on or off (swarm testing, Groce et al. 2012): with everything on at once, most
//! runs would die of the commonest fault and never reach the rare ones.

use super::rng::Rng;

/// Chances in a thousand.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    /// Nothing fails and everybody waits: then exactly what was asked for is bought.
    pub(super) calm: bool,
    pub(super) kv_read_fails: u64,
    pub(super) kv_read_slow: u64,
    pub(super) kv_write_fails: u64,
    /// How long a write may take to be seen in another city.
    pub(super) kv_lag_ms: u64,
    pub(super) put_fails: u64,
    pub(super) get_fails: u64,
    /// How many blobs are lost or damaged over the schedule.
    pub(super) blobs_hurt: u64,
    pub(super) edge_cache_misses: u64,
    /// At every step of any task.
    pub(super) crash_at_step: u64,
    /// Whenever an object uses a port.
    pub(super) crash_at_port: u64,
    pub(super) crashes_left: u64,
    pub(super) isolate_crash_at_step: u64,
    pub(super) overloaded: u64,
    pub(super) way_to_object_breaks: u64,
    pub(super) load_fails: u64,
    pub(super) save_fails: u64,
    pub(super) durable_fails: u64,
    pub(super) disk_slow: u64,
    pub(super) alarm_not_set: u64,
    pub(super) alarm_late: u64,
    pub(super) alarm_twice: u64,
    /// A question to an account, or its answer, is lost, or overtaken by what is asked later.
    pub(super) account_fails: u64,
    pub(super) account_slow: u64,
    pub(super) account_crash_at_ask: u64,
    pub(super) account_crash_at_step: u64,
    pub(super) account_disk_slow: u64,
    pub(super) account_read_fails: u64,
    pub(super) account_save_fails: u64,
    pub(super) catalog_fails: u64,
    pub(super) catalog_slow: u64,
    pub(super) provider_fails: u64,
    pub(super) provider_slow: u64,
    pub(super) client_leaves: u64,
}

impl Faults {
    pub(super) fn draw(rng: &Rng) -> Self {
        if rng.one_in(12) {
            let lag = *rng.pick(&[0, 90_000]);
            return Self { calm: true, kv_lag_ms: lag, edge_cache_misses: 200, provider_slow: 100, ..Self::default() };
        }
        let sometimes = |most: u64| if rng.one_in(2) { 0 } else { rng.between(1, most) };
        let rarely = |most: u64| if rng.one_in(4) { rng.between(1, most) } else { 0 };
        Self {
            calm: false,
            kv_read_fails: sometimes(300),
            kv_read_slow: sometimes(300),
            kv_write_fails: sometimes(400),
            kv_lag_ms: *rng.pick(&[0, 5_000, 90_000, 90_000]),
            put_fails: sometimes(600),
            get_fails: sometimes(200),
            blobs_hurt: if rng.one_in(3) { rng.between(1, 4) } else { 0 },
            edge_cache_misses: rng.between(0, 500),
            crash_at_step: sometimes(8),
            crash_at_port: sometimes(60),
            crashes_left: rng.between(1, 25),
            isolate_crash_at_step: rarely(4),
            overloaded: rarely(100),
            way_to_object_breaks: sometimes(150),
            load_fails: rarely(100),
            save_fails: rarely(60),
            durable_fails: rarely(100),
            disk_slow: sometimes(200),
            alarm_not_set: rarely(200),
            alarm_late: sometimes(500),
            alarm_twice: sometimes(400),
            account_fails: sometimes(200),
            account_slow: sometimes(100),
            account_crash_at_ask: sometimes(80),
            account_crash_at_step: rarely(8),
            account_disk_slow: sometimes(200),
            account_read_fails: rarely(20),
            account_save_fails: rarely(80),
            catalog_fails: sometimes(400),
            catalog_slow: sometimes(200),
            provider_fails: *rng.pick(&[0, 200, 500, 900]),
            provider_slow: sometimes(300),
            client_leaves: sometimes(400),
        }
    }
}
