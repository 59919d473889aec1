//! Makes many things few by joining those that lose the least.

/// Something that passes a share of everyday text, more when it is joined with another.
pub(super) trait Joined {
    /// What passes one or the other.
    fn joined(&self, other: &Self) -> Self;
    /// How often everyday text passes.
    fn rate(&self) -> f64;
}

/// Joins until there are at `most` so many, and as long as it lets less pass than is `worth` it: again and
/// again those two that pass the least more together than apart. The order does not stay.
pub(super) fn gather<T: Joined>(mut all: Vec<T>, most: usize, worth: f64) -> Vec<T> {
    if all.len() <= most && worth == f64::NEG_INFINITY {
        return all;
    }
    let mut rates: Vec<f64> = all.iter().map(T::rate).collect();
    let cost = |one: Option<(&T, &f64)>, other: (&T, &f64)| {
        one.map(|(one, rate)| one.joined(other.0).rate() - rate - other.1)
    };
    // For each the best one after it to be joined with, and what that costs.
    let nearest = |all: &[T], rates: &[f64], at: usize| {
        let one = all.get(at).zip(rates.get(at));
        let others = all.iter().zip(rates).enumerate().skip(at + 1);
        others
            .filter_map(|(index, other)| Some((index, cost(one, other)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    };
    let indices = 0..all.len();
    let mut best: Vec<_> = indices.map(|at| nearest(&all, &rates, at)).collect();
    loop {
        let pairs = best.iter().enumerate();
        let costs = pairs.filter_map(|(at, best)| best.map(|(other, cost)| (at, other, cost)));
        let Some((at, gone, cost_of_it)) = costs.min_by(|a, b| a.2.total_cmp(&b.2)) else {
            break;
        };
        if all.len() <= most && cost_of_it >= worth {
            break;
        }
        // The last takes the place of the one that is gone.
        let last = all.len() - 1;
        let other = all.swap_remove(gone);
        rates.swap_remove(gone);
        best.swap_remove(gone);
        if let (Some(one), Some(rate)) = (all.get_mut(at), rates.get_mut(at)) {
            *one = one.joined(&other);
            *rate = one.rate();
        }
        for (of, known) in best.iter_mut().enumerate() {
            let touches = |index: usize| index == at || index == gone || index == last;
            if touches(of) || known.is_none_or(|(other, _)| touches(other)) {
                *known = nearest(&all, &rates, of);
                continue;
            }
            let grown = all.get(at).zip(rates.get(at)).filter(|_| of < at);
            let with = grown.and_then(|grown| cost(all.get(of).zip(rates.get(of)), grown));
            if let Some((least, with)) = known.map(|(_, least)| least).zip(with)
                && with < least
            {
                *known = Some((at, with));
            }
        }
    }
    all
}
