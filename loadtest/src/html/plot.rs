//! One plot as an SVG: a few lines over the seconds of a run, with its troubles as shades behind them.

use anyhow::anyhow;
use plotters::prelude::*;

/// Colours that can be told from light and from dark paper.
pub(super) const BLUE: RGBColor = RGBColor(0x3b, 0x82, 0xf6);
pub(super) const ORANGE: RGBColor = RGBColor(0xd9, 0x77, 0x06);
pub(super) const GREEN: RGBColor = RGBColor(0x16, 0xa3, 0x4a);

/// Stands for the reader's ink, which the plotting crate has no word for.
const INK: RGBColor = RGBColor(1, 2, 3);
const INK_HEX: &str = "#010203";

/// Wide enough to be read at 360 px as it is.
const SIZE: (u32, u32) = (340, 190);

pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) colour: RGBColor,
    pub(super) points: Vec<(f64, f64)>,
}

pub(super) struct Plot<'a> {
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    pub(super) lines: Vec<Line>,
    /// When something went wrong, from and to.
    pub(super) troubles: &'a [(f64, f64)],
}

impl Plot<'_> {
    /// The plot with its title and its legend.
    pub(super) fn figure(&self) -> anyhow::Result<String> {
        let legend = self.lines.iter().map(|line| {
            let RGBColor(red, green, blue) = line.colour;
            format!("<span><i style=\"background:#{red:02x}{green:02x}{blue:02x}\"></i>{}</span>", line.name)
        });
        let unit = if self.unit.is_empty() { String::new() } else { format!(", {}", self.unit) };
        let svg = self.svg().map_err(|error| anyhow!("the plot of {} cannot be drawn: {error}", self.title))?;
        let named = format!("<svg role=\"img\" aria-label=\"{}{unit} over the seconds of the run\" ", self.title);
        let svg = svg.replace(INK_HEX, "currentColor").replacen("<svg ", &named, 1);
        let legend: String = legend.collect();
        Ok(format!("<figure><figcaption>{}{unit}{legend}</figcaption>{svg}</figure>", self.title))
    }

    fn svg(&self) -> Result<String, Box<dyn std::error::Error>> {
        let all = || self.lines.iter().flat_map(|line| &line.points);
        let x_max = all().map(|point| point.0).fold(1.0, f64::max);
        let y_max = all().map(|point| point.1).fold(0.0, f64::max) * 1.05;
        let y_max = if y_max > 0.0 { y_max } else { 1.0 };
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let mut chart = ChartBuilder::on(&root)
                .margin(6)
                .margin_right(14)
                .x_label_area_size(22)
                .y_label_area_size(44)
                .build_cartesian_2d(0.0..x_max, 0.0..y_max)?;
            chart
                .configure_mesh()
                .disable_x_mesh()
                .x_labels(6)
                .y_labels(5)
                .axis_style(INK.mix(0.5))
                .bold_line_style(INK.mix(0.15))
                .light_line_style(INK.mix(0.0))
                .label_style(("sans-serif", 12).into_font().color(&INK))
                .x_label_formatter(&|seconds| format!("{seconds:.0} s"))
                .y_label_formatter(&|figure| if y_max < 5.0 { format!("{figure:.1}") } else { format!("{figure:.0}") })
                .draw()?;
            for (from, to) in self.troubles.iter().filter(|(from, _)| *from < x_max) {
                let corners = [(*from, 0.0), (to.max(*from + x_max / 200.0).min(x_max), y_max)];
                chart.draw_series([Rectangle::new(corners, INK.mix(0.1).filled())])?;
            }
            for line in &self.lines {
                chart.draw_series(LineSeries::new(line.points.iter().copied(), line.colour.stroke_width(2)))?;
            }
            root.present()?;
        }
        Ok(svg)
    }
}
