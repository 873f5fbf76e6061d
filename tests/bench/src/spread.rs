//! The middle and the ends of some figures.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub lowest: f64,
    pub highest: f64,
}

impl Spread {
    /// Not a number where there are no figures.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let sorted = sorted(figures);
        let at = |share| quantile(&sorted, share);
        Self { median: at(0.5), lowest: at(0.0), highest: at(1.0) }
    }

    pub fn one(figure: f64) -> Self {
        Self::of([figure])
    }
}

pub fn sorted(figures: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The figure below which `share` of the sorted figures lie; between two of them, their weighted mean.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_precision_loss, reason = "there are fewer figures than 2^53")]
    let place = share * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of the slice")]
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    match (sorted.get(below), sorted.get(above)) {
        (Some(low), Some(high)) => low + (high - low) * place.fract(),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles_and_ends() {
        let spread = Spread::of([3.0, 1.0, 2.0, 10.0]);
        assert_eq!(spread, Spread { median: 2.5, lowest: 1.0, highest: 10.0 });
        assert_eq!(Spread::one(4.0), Spread { median: 4.0, lowest: 4.0, highest: 4.0 });
        assert!(Spread::of([]).median.is_nan());
    }
}
