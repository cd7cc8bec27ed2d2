//! A history as a line of block characters.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The newest values of a history, the last one at the right, in `width` columns. Changes per
/// second stand on zero, other values on the least of them; what is not known is a gap.
pub(crate) fn sparkline(history: &[f64], is_rate: bool, width: usize) -> String {
    let shown = &history[history.len().saturating_sub(width)..];
    let known = || shown.iter().copied().filter(|value| value.is_finite());
    let least = known().fold(if is_rate { 0.0 } else { f64::INFINITY }, f64::min);
    let range = known().fold(f64::NEG_INFINITY, f64::max) - least;
    let bar = |value: &f64| match (value.is_finite(), range > 0.0) {
        (false, _) => ' ',
        (true, false) => BARS[0],
        (true, true) => {
            // Between 0 and 7, whatever the values are: `as` cuts off what is beyond.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let level = ((value - least) / range * 7.0).round() as usize;
            BARS[level.min(7)]
        }
    };
    let gap = std::iter::repeat_n(' ', width.saturating_sub(shown.len()));
    gap.chain(shown.iter().map(bar)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_of_histories() {
        for (history, is_rate, text) in [
            (&[][..], true, "    "),
            (&[f64::NAN, 0.0, 0.0], true, "  ▁▁"),
            (&[5.0, 5.0], true, "  ██"),
            (&[5.0, 5.0], false, "  ▁▁"),
            (&[9.0, 0.0, 7.0, 3.5, 1.0], true, "▁█▅▂"),
            (&[-1.0, 1.0, 0.0], false, " ▁█▅"),
            (&[f64::INFINITY, 1.0, f64::NEG_INFINITY, 2.0], false, " ▁ █"),
            (&[f64::MIN, f64::MAX], false, "  ▁▁"),
        ] {
            assert_eq!(sparkline(history, is_rate, 4), text, "{history:?}");
        }
    }
}
