//! The clock of a server, from its answers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{
    fetch::Answer,
    finding::{Check, Report},
};

/// Beyond this, tokens that are good are refused, whatever leeway is configured (catalogue AU-23).
const MOST: u64 = 60;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Compares the clock of who answered with this machine's.
pub(super) fn check(report: &mut Report, at: &str, answer: &Answer) {
    let Some(date) = answer.header("date").next() else {
        report.warning(
            Check::Clock,
            at,
            "the answer has no `Date`, so its clock can't be compared with this machine's",
            "compare the clocks by hand, and keep both in time with NTP",
        );
        return;
    };
    let Some(then) = http_date(date) else {
        report.warning(Check::Clock, at, "the answer's `Date` is no HTTP date", "correct what serves it");
        return;
    };
    // A shared cache keeps the `Date` of the origin, and counts its `Age`.
    let age = answer.header("age").next().and_then(|age| age.parse::<u32>().ok()).unwrap_or(0);
    let then = then + Duration::from_secs(age.into());
    // It was made between question and answer, and says no more than its second.
    let ahead = then.duration_since(answer.answered).map(|it| it.as_secs()).unwrap_or(0);
    let last = then + Duration::from_secs(1);
    let behind = answer.asked.duration_since(last).map(|it| it.as_secs()).unwrap_or(0);
    let (off, way) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    if off > MOST {
        report.fault(
            Check::Clock,
            at,
            format!("its clock is {off} s {way} this machine's"),
            format!(
                "set both clocks by NTP: more than {MOST} s apart, its tokens are refused as expired or not valid yet, and no \
                 `authentication.leeway` allows more"
            ),
        );
    } else {
        report.ok(Check::Clock, at, format!("within {} s of this machine's", off.max(1)));
    }
}

/// The one form of RFC 9110 that servers may send: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<SystemTime> {
    let (_, rest) = text.split_once(", ")?;
    let mut words = rest.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok()?;
    let mut time = words.next()?.split(':');
    let mut next = |most: u64| time.next()?.parse().ok().filter(|number| *number <= most);
    let (hour, minute, second): (u64, u64, u64) = (next(23)?, next(59)?, next(60)?);
    let whole = time.next().is_none() && words.next() == Some("GMT") && words.next().is_none();
    if !whole || !(1970..=9999).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin with March here, so that a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    // From the 1 March of the year 0 to 1970-01-01.
    let days = days.checked_sub(719_468)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// As servers write it. Found by what is read, which the test below holds to known dates.
    pub(in crate::doctor) fn written(time: SystemTime) -> String {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let (mut day, mut month, mut year) = (1, 0, 1970);
        let start = |year: u64, month: usize, day: u64| {
            let text = format!("Day, {day:02} {} {year} 00:00:00 GMT", MONTHS[month]);
            http_date(&text).map(|it| it.duration_since(UNIX_EPOCH).unwrap().as_secs())
        };
        while start(year + 1, 0, 1).unwrap() <= seconds {
            year += 1;
        }
        while month < 11 && start(year, month + 1, 1).unwrap() <= seconds {
            month += 1;
        }
        while day < 31 && start(year, month, day + 1).unwrap() <= seconds {
            day += 1;
        }
        let rest = seconds - start(year, month, day).unwrap();
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        format!("Day, {day:02} {} {year} {hour:02}:{minute:02}:{second:02} GMT", MONTHS[month])
    }

    #[test]
    fn dates_of_http_are_read_and_nothing_else_is() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
            ("Sun, 22 Nov 2026 15:00:00 GMT", 1_795_359_600),
        ] {
            assert_eq!(http_date(text), Some(UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "now",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37:11 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
