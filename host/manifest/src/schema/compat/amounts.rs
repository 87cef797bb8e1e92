//! Demands that are a number: bounds, lengths, counts.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::types::values;

/// Up to here a float is exact.
const EXACT: i128 = 1 << 53;

/// How two numbers compare; none where floats can't tell.
fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (a_whole, b_whole) => {
            if [a_whole, b_whole].into_iter().flatten().any(|whole| whole.abs() > EXACT) {
                return None;
            }
            a.as_f64()?.partial_cmp(&b.as_f64()?)
        }
    }
}

/// Whether `minimum`, `maximum` or their exclusive forms follow.
pub(super) fn bound(keyword: &str, demanded: &Value, views: &[&Map<String, Value>]) -> bool {
    let Some(demanded) = demanded.as_number() else { return false };
    let (wanted, inclusive, exclusive) = match keyword {
        "minimum" | "exclusiveMinimum" => (Ordering::Greater, "minimum", "exclusiveMinimum"),
        _ => (Ordering::Less, "maximum", "exclusiveMaximum"),
    };
    let or_equal = keyword == inclusive;
    let fits = |number: &Number, or_equal: bool| {
        compare(number, demanded).is_some_and(|found| found == wanted || (or_equal && found == Ordering::Equal))
    };
    let given = |view: &&Map<String, Value>, key: &str| view.get(key).and_then(Value::as_number).cloned();
    views.iter().any(|view| {
        given(view, inclusive).is_some_and(|number| fits(&number, or_equal))
            || given(view, exclusive).is_some_and(|number| fits(&number, true))
    }) || values(views).is_some_and(|values| values.iter().all(|v| v.as_number().is_none_or(|n| fits(n, or_equal))))
}

/// Whether a length or a count follows: `minLength`, `maxItems` and such. `of` measures a value that the keyword is about.
pub(super) fn length(
    keyword: &str,
    demanded: &Value,
    views: &[&Map<String, Value>],
    of: impl Fn(&Value) -> Option<usize>,
) -> bool {
    let Some(demanded) = demanded.as_u64() else { return false };
    let at_least = keyword.starts_with("min");
    let fits = |found: u64| if at_least { found >= demanded } else { found <= demanded };
    if at_least && demanded == 0 {
        return true;
    }
    views.iter().any(|view| view.get(keyword).and_then(Value::as_u64).is_some_and(fits))
        || values(views).is_some_and(|values| values.iter().all(|v| of(v).is_none_or(|length| fits(length as u64))))
}

/// Whether `multipleOf` follows from another one: both whole, or the same.
pub(super) fn multiple(demanded: &Value, views: &[&Map<String, Value>]) -> bool {
    views.iter().filter_map(|view| view.get("multipleOf")).any(|given| match (given.as_u64(), demanded.as_u64()) {
        (Some(given), Some(demanded @ 1..)) => given % demanded == 0,
        _ => given == demanded,
    })
}
