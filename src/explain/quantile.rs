//! Quantiles of a histogram, as PromQL estimates them.

/// The value below which that share of a histogram's observations lies, by the rule of PromQL's
/// `histogram_quantile`: linear within a bucket, the lowest bucket from 0 if its bound is positive.
/// `buckets` are not cumulated, in ascending order of their bounds; NaN where they do not say.
pub fn quantile(share: f64, buckets: &[(f64, f64)]) -> f64 {
    let total: f64 = buckets.iter().map(|(_, count)| count).sum();
    let is_complete = buckets.last().is_some_and(|(bound, _)| *bound == f64::INFINITY);
    if buckets.len() < 2 || !is_complete || total.is_nan() || total <= 0.0 {
        return f64::NAN;
    }
    let rank = share * total;
    let mut below = 0.0;
    for (at, &(bound, count)) in buckets.iter().enumerate() {
        if below + count < rank {
            below += count;
            continue;
        }
        let lower = at.checked_sub(1).map(|before| buckets[before].0);
        return match (lower, bound) {
            (Some(lower), f64::INFINITY) => lower,
            (None, bound) if bound <= 0.0 => bound,
            (lower, bound) => {
                let lower = lower.unwrap_or_default();
                lower + (bound - lower) * ((rank - below) / count)
            }
        };
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_the_rule_of_prometheus() {
        let inf = f64::INFINITY;
        let buckets = [(0.1, 10.0), (0.5, 30.0), (1.0, 60.0), (inf, 0.0)];
        for (share, buckets, expected) in [
            (0.05, &buckets[..], 0.05),
            (0.1, &buckets, 0.1),
            (0.25, &buckets, 0.3),
            (0.5, &buckets, 0.5 + 0.5 * (10.0 / 60.0)),
            (1.0, &buckets, 1.0),
            (0.5, &[(0.1, 1.0), (inf, 9.0)], 0.1),
            (0.5, &[(-1.0, 4.0), (inf, 0.0)], -1.0),
            (0.5, &[(-2.0, 0.0), (-1.0, 4.0), (inf, 0.0)], -1.5),
            (0.5, &[(1.0, 0.0), (inf, 0.0)], f64::NAN),
            (0.5, &[(inf, 5.0)], f64::NAN),
            (0.5, &[(1.0, 5.0), (2.0, 5.0)], f64::NAN),
        ] {
            let found = quantile(share, buckets);
            assert!(
                (found - expected).abs() < 1e-12 || found.is_nan() && expected.is_nan(),
                "{share} of {buckets:?}: {found}, not {expected}"
            );
        }
    }
}
