//! A run as one page that needs nothing else: what held, percentiles, and how it went over time.
//!
//! Ink and paper are the reader's (light or dark), and a phone of 360 px is wide enough.

mod plot;

use crate::figures::Percentiles;
use crate::report::{Reason, Report};
use crate::samples::{Sample, ServerSample};

use plot::{BLUE, GREEN, Line, ORANGE, Plot};

const STYLE: &str = include_str!("html/style.css");

/// The page.
///
/// # Errors
/// A plot cannot be drawn.
pub(crate) fn page(report: &Report) -> anyhow::Result<String> {
    let broken = report.broken();
    let verdict = match broken.len() {
        0 => "<p class=\"held\">All limits held.</p>".to_owned(),
        1 => "<p class=\"broken\">One limit is broken.</p>".to_owned(),
        many => format!("<p class=\"broken\">{many} limits are broken.</p>"),
    };
    let name = escaped(&report.scenario);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{name}: load report</title><style>{STYLE}</style></head><body><main><h1>{name}</h1><p>{}</p>{verdict}",
        escaped(&report.about)
    );
    if report.events_lost > 0 {
        page.push_str("<p class=\"broken\">The load tester itself lost events: the figures say nothing.</p>");
    }
    page.push_str(&counts(report));
    page.push_str(&limits(report));
    page.push_str(&times(report));
    for (title, reasons) in [("Mistakes", &report.mistakes), ("Not served", &report.failures)] {
        page.push_str(&told(title, reasons));
    }
    page.push_str("<h2>Over time</h2><div class=\"plots\">");
    for plot in plots(report) {
        page.push_str(&plot.figure()?);
    }
    page.push_str("</div></main></body></html>\n");
    Ok(page)
}

fn counts(report: &Report) -> String {
    let server = report.server.map_or_else(String::new, |usage| {
        format!(
            " The server took {:.1} s of CPU and {:.0} MiB at the most; crowd and emulated Meta took {:.1} s.",
            usage.cpu_s, usage.peak_memory_mib, report.tester_cpu_s
        )
    });
    format!(
        "<p>{} citizens served, {} not, in {:.1} s: {} messages, {} replies, {} certificates.{server}</p>",
        report.citizens_served,
        report.citizens_failed,
        report.wall_s,
        report.messages_said,
        report.replied,
        report.certificates
    )
}

fn limits(report: &Report) -> String {
    let row = |limit: &crate::report::Held| {
        let (class, word) = if limit.kept { ("held", "held") } else { ("broken", "broken") };
        let measured = if limit.measured.is_nan() { "not measured".to_owned() } else { figure(limit.measured) };
        format!(
            "<tr><th scope=\"row\">{}</th><td>{measured}</td><td>{}</td><td class=\"{class}\">{word}</td></tr>",
            limit.limit,
            figure(limit.bound)
        )
    };
    let rows: String = report.limits.iter().map(row).collect();
    table("Limits", &["limit", "measured", "bound", ""], &rows)
}

fn times(report: &Report) -> String {
    let row = |(name, times): (&str, Percentiles)| {
        let cells =
            [times.p50, times.p90, times.p99, times.p999, times.max].map(|ms| format!("<td>{}</td>", figure(ms)));
        format!("<tr><th scope=\"row\">{name}</th><td>{}</td>{}</tr>", times.count, cells.concat())
    };
    let times = [("200 to a webhook", report.ack_ms), ("reply", report.reply_ms), ("start late", report.start_late_ms)];
    let rows: String = times.into_iter().map(row).collect();
    table("Times in milliseconds", &["", "count", "p50", "p90", "p99", "p99.9", "max"], &rows)
}

fn told(title: &str, reasons: &[Reason]) -> String {
    if reasons.is_empty() {
        return String::new();
    }
    let row = |reason: &Reason| {
        let place = format!("{}:{}", reason.path, reason.line);
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            reason.kind,
            reason.citizens,
            escaped(&place),
            escaped(&reason.what)
        )
    };
    table(title, &["", "citizens", "line", "what"], &reasons.iter().map(row).collect::<String>())
}

fn table(title: &str, heads: &[&str], rows: &str) -> String {
    let heads = format!("<th scope=\"col\">{}</th>", heads.join("</th><th scope=\"col\">"));
    format!(
        "<h2>{title}</h2><div class=\"wide\"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

fn plots(report: &Report) -> Vec<Plot<'_>> {
    let line = |name, colour, of: fn(&Sample) -> f64| Line {
        name,
        colour,
        points: report.samples.iter().map(|sample| (sample.at_s, of(sample))).collect(),
    };
    let server = |name, colour, of: fn(&ServerSample) -> f64| Line {
        name,
        colour,
        points: report.samples.iter().filter_map(|s| s.server.as_ref().map(|server| (s.at_s, of(server)))).collect(),
    };
    let plot = |title, unit, lines| Plot { title, unit, lines, troubles: &report.troubles };
    vec![
        plot(
            "Throughput",
            "a second",
            vec![line("messages", BLUE, |s| s.messages_per_s), line("replies", ORANGE, |s| s.replies_per_s)],
        ),
        plot("Citizens under way", "", vec![line("in flight", BLUE, |s| s.in_flight)]),
        plot(
            "200 to a webhook",
            "ms",
            vec![line("p50", BLUE, |s| s.ack_p50_ms), line("p99", ORANGE, |s| s.ack_p99_ms)],
        ),
        plot("Reply", "ms", vec![line("p50", BLUE, |s| s.reply_p50_ms), line("p99", ORANGE, |s| s.reply_p99_ms)]),
        plot("The server's memory", "MiB", vec![server("resident", BLUE, |s| s.memory_mib)]),
        plot(
            "CPU",
            "% of a core",
            vec![
                server("server", BLUE, |s| s.cpu_percent),
                line("crowd and emulated Meta", GREEN, |s| s.tester_cpu_percent),
            ],
        ),
        plot("The server's disk", "MiB", vec![server("store", BLUE, |s| s.disk_mib)]),
    ]
}

/// As many digits as say something.
fn figure(figure: f64) -> String {
    if figure.fract() == 0.0 || figure >= 100.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figures;
    use crate::report::Ends;
    use crate::scenario::Scenario;

    fn report() -> Report {
        let mut scenario = Scenario::load("kill_restart").expect("a scenario");
        scenario.about = "a < b & \"c\"".into();
        let sample = |at: u32| Sample {
            at_s: f64::from(at),
            messages_per_s: 40.0,
            server: (!at.is_multiple_of(7)).then_some(ServerSample {
                cpu_percent: 20.0,
                memory_mib: 50.0,
                disk_mib: 300.0,
                drift: Some(0.0),
            }),
            ..Sample::default()
        };
        let mut figures = Figures::new().expect("figures");
        figures.strays = 1;
        Report::of(&scenario, &figures, Ends { samples: (1..30).map(sample).collect(), ..Ends::default() })
    }

    #[test]
    fn the_page_says_what_is_broken_and_needs_nothing_else() {
        let page = page(&report()).expect("a page");
        assert!(page.contains("One limit is broken."), "{page}");
        assert!(page.contains("a &lt; b &amp; &quot;c&quot;") && page.contains("wrong recipient"));
        assert_eq!(page.matches("<svg").count(), 7);
        let foreign = ["http://", "https://", "<script", "url("];
        let own = page.replace("http://www.w3.org/2000/svg", "");
        assert!(foreign.iter().all(|mark| !own.contains(mark)), "it loads something");
    }

    #[test]
    fn a_run_too_short_for_a_look_has_a_page_too() {
        let mut report = report();
        report.samples.clear();
        assert!(page(&report).is_ok());
    }
}
