//! Meta's error codes and what each asks of us: the whole table of cloud-api.md 5, as one table.
//!
//! Branch on the code; titles and HTTP status are not reliable (Meta says so itself). The same codes come in
//! answers and in `failed` statuses. How long to wait and how often to try is the outbox's business.

/// What to do about an error. Every retry has a bound of its own in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Trouble of Meta's that passes: send again with back-off.
    Retry,
    /// This business number sends too fast, or is held back: slow it down, then send again.
    ThrottleNumber,
    /// This citizen has had too much from this number: wait 4^X s for him only; others are unaffected.
    ThrottleContact,
    /// The app or the account asks too much, or is held back: slow all its numbers down, then send again.
    ThrottleAccount,
    /// The number is being upgraded: send again after one minute.
    Maintenance,
    /// 24 h have passed since the citizen wrote: never again as it is, only as a template.
    WindowClosed,
    /// This citizen cannot be reached so: give the message up, others are unaffected.
    GiveUpContact,
    /// Nothing can be sent until an operator acts: stop all sends and page.
    StopAndPage,
    /// Settings at Meta or ours are wrong for this kind of message: give up, tell an operator.
    Configuration,
    /// We built the message wrong, or asked for what this service never does: give up, keep it for an operator.
    Bug,
    /// Says too little to tell a bug from bad luck: once more, then as a bug.
    Once,
    /// Not known, or Meta does not know: a few more tries, then give up.
    Unknown,
}

/// The window is closed (131047).
pub const WINDOW_CLOSED: u32 = 131_047;
/// Meta holds a number back for spam (131048): slower is not enough, it waits.
pub const SPAM: u32 = 131_048;

/// One row: the codes from the first to the last, and what they mean for us.
struct Row(u32, u32, Class);

/// Ascending and without overlap, for the binary search.
const TABLE: &[Row] = &[
    one(0, Class::StopAndPage),          // token invalid
    one(1, Class::Unknown),              // invalid request, or a server error
    one(2, Class::Retry),                // temporary, downtime or overload
    one(3, Class::Configuration),        // capability
    one(4, Class::ThrottleAccount),      // app's call rate
    one(10, Class::Configuration),       // permission
    one(33, Class::Configuration),       // business number deleted, or a wrong id
    one(100, Class::Bug),                // bad or misspelt parameter
    one(190, Class::StopAndPage),        // token expired
    Row(200, 299, Class::Configuration), // permissions
    one(368, Class::StopAndPage),        // account restricted
    one(80_007, Class::ThrottleAccount), // account's rate
    one(130_403, Class::GiveUpContact),  // we blocked the citizen
    one(130_429, Class::ThrottleNumber), // number's throughput
    one(130_472, Class::GiveUpContact),  // citizen in an experiment of Meta's
    one(130_497, Class::GiveUpContact),  // country restriction
    one(131_000, Class::Unknown),        // Meta does not know either
    one(131_005, Class::Configuration),  // permission
    Row(131_008, 131_009, Class::Bug),   // missing, invalid parameter
    one(131_016, Class::Retry),          // service unavailable
    one(131_020, Class::Bug),            // groups
    one(131_021, Class::GiveUpContact),  // sender is recipient
    one(131_026, Class::GiveUpContact),  // undeliverable: not on WhatsApp, old client
    one(131_030, Class::Configuration),  // recipient not in the test list
    one(131_031, Class::StopAndPage),    // account locked
    one(131_037, Class::Configuration),  // display name not approved
    one(131_041, Class::Bug),            // groups
    one(131_042, Class::StopAndPage),    // payment
    one(131_044, Class::StopAndPage),    // payment, calls
    one(131_045, Class::Configuration),  // number's registration or certificate
    one(131_047, Class::WindowClosed),
    one(131_048, Class::ThrottleNumber),  // spam limit on the number: send late
    one(131_049, Class::GiveUpContact),   // ecosystem engagement
    one(131_050, Class::GiveUpContact),   // citizen stopped marketing
    one(131_051, Class::Bug),             // unsupported type
    one(131_052, Class::Bug),             // citizen's media: we never fetch any
    one(131_053, Class::Unknown),         // our media did not arrive: upload again
    one(131_055, Class::Bug),             // marketing API
    one(131_056, Class::ThrottleContact), // pair rate
    one(131_057, Class::Maintenance),
    one(131_059, Class::Bug),                    // cursors
    one(131_062, Class::GiveUpContact),          // not allowed to a BSUID
    one(131_063, Class::Configuration),          // marketing disabled on the Cloud API
    one(131_064, Class::ThrottleAccount),        // held back for misclassified templates
    Row(131_200, 131_299, Class::Bug),           // groups
    Row(132_000, 132_001, Class::Bug),           // template parameters, no such template
    one(132_005, Class::Bug),                    // template text too long
    Row(132_007, 132_008, Class::Bug),           // template policy, parameter
    one(132_012, Class::Bug),                    // template parameter's format
    Row(132_015, 132_016, Class::Configuration), // template paused, disabled
    one(132_018, Class::Bug),                    // template parameters
    Row(132_068, 132_069, Class::Configuration), // flow blocked, throttled
    one(133_000, Class::Configuration),          // an earlier deregistration failed
    one(133_004, Class::Retry),                  // registration server busy
    Row(133_005, 133_006, Class::Configuration), // two-step code wrong, verify first
    Row(133_008, 133_010, Class::Configuration), // too many guesses, too fast, not registered
    Row(133_015, 133_016, Class::Configuration), // wait after a deletion, too many registrations
    one(134_011, Class::Configuration),          // terms of payments
    Row(134_100, 134_102, Class::Bug),           // marketing API
    one(135_000, Class::Once),                   // generic, parameters: once more
    one(137_000, Class::GiveUpContact),          // the citizen's identity key is another
    Row(138_000, 138_999, Class::Bug),           // calls
    Row(139_000, 139_999, Class::Bug),           // flows, block list
    Row(147_001, 147_005, Class::Bug),           // usernames
];

const fn one(code: u32, class: Class) -> Row {
    Row(code, code, class)
}

/// Every code that has a row of its own: the first of each, the last of a range, and what they ask.
pub fn table() -> impl Iterator<Item = (u32, u32, Class)> {
    TABLE.iter().map(|row| (row.0, row.1, row.2))
}

/// What a code of Meta's asks of us.
pub fn class(code: u32) -> Class {
    known(code).unwrap_or(Class::Unknown)
}

/// The same for the code of an answer: one that is not in the table is as passing as its HTTP status says.
pub fn class_of_answer(code: u32, http: u16) -> Class {
    known(code).unwrap_or_else(|| class_of_http(http))
}

/// What an HTTP status asks of us when no code came with it.
pub fn class_of_http(http: u16) -> Class {
    match http {
        401 => Class::StopAndPage,
        403 | 404 => Class::Configuration,
        408 | 425 | 429 | 500..=599 => Class::Retry,
        _ => Class::Unknown,
    }
}

fn known(code: u32) -> Option<Class> {
    let after = TABLE.partition_point(|row| row.0 <= code);
    let Row(_, last, class) = TABLE[..after].last()?;
    (code <= *last).then_some(*class)
}

impl Class {
    /// A closed name, for a metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Class::Retry => "retry",
            Class::ThrottleNumber => "throttle_number",
            Class::ThrottleContact => "throttle_contact",
            Class::ThrottleAccount => "throttle_account",
            Class::Maintenance => "maintenance",
            Class::WindowClosed => "window_closed",
            Class::GiveUpContact => "give_up_contact",
            Class::StopAndPage => "stop_and_page",
            Class::Configuration => "configuration",
            Class::Bug => "bug",
            Class::Once => "once",
            Class::Unknown => "unknown",
        }
    }

    /// All there are.
    pub const ALL: [Class; 12] = [
        Class::Retry,
        Class::ThrottleNumber,
        Class::ThrottleContact,
        Class::ThrottleAccount,
        Class::Maintenance,
        Class::WindowClosed,
        Class::GiveUpContact,
        Class::StopAndPage,
        Class::Configuration,
        Class::Bug,
        Class::Once,
        Class::Unknown,
    ];

    /// Whether the same message may be sent again at all.
    pub fn may_retry(self) -> bool {
        match self {
            Class::Retry
            | Class::ThrottleNumber
            | Class::ThrottleContact
            | Class::ThrottleAccount
            | Class::Maintenance
            | Class::StopAndPage
            | Class::Once
            | Class::Unknown => true,
            Class::WindowClosed | Class::GiveUpContact | Class::Configuration | Class::Bug => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written from cloud-api.md 5, apart from the table above: every code that it names.
    #[test]
    fn every_code_of_the_table_has_its_class() {
        let rows: &[(Class, &[u32])] = &[
            (Class::Retry, &[2, 131_016, 133_004]),
            (Class::ThrottleNumber, &[130_429, 131_048]),
            (Class::ThrottleContact, &[131_056]),
            (Class::ThrottleAccount, &[4, 80_007, 131_064]),
            (Class::Maintenance, &[131_057]),
            (Class::WindowClosed, &[131_047]),
            (Class::GiveUpContact, &[130_403, 130_472, 130_497, 131_021, 131_026, 131_049, 131_050, 131_062, 137_000]),
            (Class::StopAndPage, &[0, 190, 368, 131_031, 131_042, 131_044]),
            (
                Class::Configuration,
                &[
                    3, 10, 33, 200, 210, 299, 131_005, 131_030, 131_037, 131_045, 131_063, 132_015, 132_016, 132_068,
                    132_069, 133_000, 133_005, 133_006, 133_008, 133_009, 133_010, 133_015, 133_016, 134_011,
                ],
            ),
            (
                Class::Bug,
                &[
                    100, 131_008, 131_009, 131_020, 131_041, 131_051, 131_052, 131_055, 131_059, 131_200, 131_215,
                    131_299, 132_000, 132_001, 132_005, 132_007, 132_008, 132_012, 132_018, 134_100, 134_101, 134_102,
                    138_000, 138_999, 139_000, 139_999, 147_001, 147_005,
                ],
            ),
            (Class::Once, &[135_000]),
            (Class::Unknown, &[1, 131_000, 131_053]),
        ];
        let mut named = 0;
        for (expected, codes) in rows {
            for code in *codes {
                assert_eq!(class(*code), *expected, "code {code}");
                assert_eq!(known(*code), Some(*expected), "code {code} has a row of its own");
                named += 1;
            }
        }
        assert!(named >= TABLE.len(), "a row of the table is not tested");
        for Row(first, last, _) in TABLE {
            assert!(rows.iter().any(|(_, codes)| codes.contains(first) && codes.contains(last)), "{first}..{last}");
        }
    }

    #[test]
    fn rows_ascend_and_do_not_overlap() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].1 < pair[1].0, "{} and {}", pair[0].1, pair[1].0);
        }
        assert!(TABLE.iter().all(|row| row.0 <= row.1));
    }

    #[test]
    fn codes_beside_the_rows_are_unknown() {
        for code in [5, 9, 11, 199, 300, 131_010, 131_199, 131_300, 132_002, 133_007, 147_006, u32::MAX] {
            assert_eq!(class(code), Class::Unknown, "code {code}");
        }
    }

    #[test]
    fn an_unknown_code_is_as_passing_as_its_http_status() {
        assert_eq!(class_of_answer(999_999, 503), Class::Retry);
        assert_eq!(class_of_answer(999_999, 429), Class::Retry);
        assert_eq!(class_of_answer(999_999, 400), Class::Unknown);
        assert_eq!(class_of_answer(131_047, 503), Class::WindowClosed, "a known code says more than the status");
        assert_eq!(class_of_http(401), Class::StopAndPage);
    }
}
