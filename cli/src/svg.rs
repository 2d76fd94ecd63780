//! Small plots as SVG text: axes with round ticks, lines, labelled points.

use core::fmt::Write as _;

/// One named line or cloud of points.
#[derive(Debug, Clone)]
pub struct Series {
    /// What the legend says; nothing for points that are labelled themselves.
    pub name: String,
    /// Positions and, beside points, their labels.
    pub points: Vec<(f64, f64, String)>,
    /// Whether the points are joined.
    pub joined: bool,
}

/// A plot of series on linear axes.
#[derive(Debug, Clone)]
pub struct Plot {
    /// Above the plot.
    pub title: String,
    /// Under the x axis.
    pub x: String,
    /// Beside the y axis.
    pub y: String,
    /// What is drawn.
    pub series: Vec<Series>,
}

/// Size of a plot in pixels.
const SIZE: (f64, f64) = (760.0, 420.0);
/// Left, top, right and bottom margins.
const MARGIN: (f64, f64, f64, f64) = (70.0, 52.0, 190.0, 50.0);
/// Colours that colour-blind readers tell apart (Okabe & Ito).
const COLOURS: [&str; 8] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#8A7A00",
];
/// Ground, ink and grid by the reader's scheme; a rim around letters keeps them apart from lines that they cross.
const STYLE: &str = "<style>.plot .ground{fill:#fff}.plot text{fill:#3b4450;stroke:#fff;stroke-width:3px;\
    stroke-linejoin:round;paint-order:stroke}.plot .title{font-weight:600}.plot .grid{stroke:#d9dde3}\
    @media(prefers-color-scheme:dark){.plot .ground{fill:#14171b}.plot text{fill:#c7cdd4;stroke:#14171b}\
    .plot .grid{stroke:#343b44}}</style>";

impl Plot {
    /// The plots below each other as one SVG document.
    #[must_use]
    pub fn document(plots: &[Self]) -> String {
        let height = SIZE.1 * f64::from(u32::try_from(plots.len()).unwrap_or(1));
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 {} {height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n{STYLE}\n\
             <rect class=\"ground\" width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
            SIZE.0
        );
        let mut top = 0.0;
        for plot in plots {
            let _ = writeln!(
                out,
                "<g transform=\"translate(0 {top})\">\n{}</g>",
                plot.body()
            );
            top += SIZE.1;
        }
        out.push_str("</svg>\n");
        out
    }

    fn body(&self) -> String {
        let all = || self.series.iter().flat_map(|s| &s.points);
        let x = Axis::of(all().map(|p| p.0), MARGIN.0, SIZE.0 - MARGIN.2);
        let y = Axis::of(all().map(|p| p.1), SIZE.1 - MARGIN.3, MARGIN.1);
        let mut out = String::new();
        let (right, bottom) = (SIZE.0 - MARGIN.2, SIZE.1 - MARGIN.3);
        let title = (MARGIN.0, 18.0);
        text(&mut out, title, "start", &self.title);
        text(
            &mut out,
            ((MARGIN.0 + right) / 2.0, SIZE.1 - 12.0),
            "middle",
            &self.x,
        );
        text(&mut out, (MARGIN.0, MARGIN.1 - 8.0), "start", &self.y);
        for tick in x.ticks() {
            let at = x.at(tick);
            grid(&mut out, [(at, MARGIN.1), (at, bottom)]);
            text(&mut out, (at, bottom + 16.0), "middle", &number(tick));
        }
        for tick in y.ticks() {
            let at = y.at(tick);
            grid(&mut out, [(MARGIN.0, at), (right, at)]);
            text(&mut out, (MARGIN.0 - 6.0, at + 4.0), "end", &number(tick));
        }
        let mut labels = Labels::default();
        for (i, series) in self.series.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            series.draw(&mut out, (&x, &y), colour, &mut labels);
            let at = MARGIN.1 + 16.0 * f64::from(u32::try_from(i).unwrap_or(0));
            if !series.name.is_empty() && at < SIZE.1 - 8.0 {
                if series.joined {
                    let ends = [(right + 10.0, at - 4.0), (right + 26.0, at - 4.0)];
                    line(&mut out, ends, colour);
                } else {
                    dot(&mut out, (right + 18.0, at - 4.0), colour);
                }
                text(&mut out, (right + 30.0, at), "start", &series.name);
            }
        }
        out
    }
}

impl Series {
    fn draw(&self, out: &mut String, (x, y): (&Axis, &Axis), colour: &str, labels: &mut Labels) {
        if self.joined {
            let points: Vec<String> = self
                .points
                .iter()
                .map(|p| format!("{:.1},{:.1}", x.at(p.0), y.at(p.1)))
                .collect();
            let _ = writeln!(
                out,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
                points.join(" ")
            );
        }
        for (px, py, label) in &self.points {
            let (cx, cy) = (x.at(*px), y.at(*py));
            dot(out, (cx, cy), colour);
            if !label.is_empty() {
                let (at, anchor) = labels.place((cx, cy), label);
                text(out, at, anchor, label);
            }
        }
    }
}

/// Width of a letter and height of a line, about.
const LETTER: (f64, f64) = (6.4, 13.0);

/// Labels beside points, so that none covers another where there is room.
#[derive(Default)]
struct Labels {
    /// Left, top, right, bottom.
    placed: Vec<[f64; 4]>,
}

impl Labels {
    /// Where the label of a point goes: right of it, left, or some lines lower or higher.
    fn place(&mut self, (x, y): (f64, f64), label: &str) -> ((f64, f64), &'static str) {
        let width = LETTER.0 * f64::from(u32::try_from(label.chars().count()).unwrap_or(0));
        let lines = [0.0, 1.0, -1.0, 2.0, -2.0].map(|n| n * (LETTER.1 - 1.0));
        let sides = [(x + 6.0, "start"), (x - 6.0, "end")];
        let places = lines
            .iter()
            .flat_map(|dy| sides.map(|(at, side)| (at, y + dy, side)));
        let area = |(at, middle, side): (f64, f64, &str)| {
            let left = if side == "start" { at } else { at - width };
            let half = LETTER.1 / 2.0;
            [left, middle - half, left + width, middle + half]
        };
        let free = |a: [f64; 4]| {
            let apart = |b: &[f64; 4]| a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            self.placed.iter().all(apart)
        };
        let found = places.into_iter().find(|p| free(area(*p)));
        let (at, middle, side) = found.unwrap_or((x + 6.0, y, "start"));
        self.placed.push(area((at, middle, side)));
        ((at, middle + 4.0), side)
    }
}

/// A range of values on a range of pixels.
struct Axis {
    lo: f64,
    hi: f64,
    step: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let finite = values.filter(|v| v.is_finite());
        let (lo, hi) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| {
            (lo.min(v), hi.max(v))
        });
        let (lo, hi) = if lo < hi {
            (lo, hi)
        } else {
            (lo.min(0.0), lo.max(0.0) + 1.0)
        };
        let (lo, hi) = if lo.is_finite() && hi.is_finite() {
            (lo, hi)
        } else {
            (0.0, 1.0)
        };
        let rough = (hi - lo) / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
        let step = steps.into_iter().find(|s| *s >= rough).unwrap_or(rough);
        Self {
            lo: (lo / step).floor() * step,
            hi: (hi / step).ceil() * step,
            step,
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        self.from + (value - self.lo) / (self.hi - self.lo) * (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let (lo, hi, step) = (self.lo, self.hi, self.step);
        (0..12u32)
            .map(move |i| lo + f64::from(i) * step)
            .take_while(move |t| *t <= hi + step / 2.0)
    }
}

fn number(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = format!("{scaled:.3}");
    let short = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{short}{unit}")
}

fn grid(out: &mut String, [(x1, y1), (x2, y2)]: [(f64, f64); 2]) {
    let _ = writeln!(
        out,
        "<line class=\"grid\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#ddd\"/>"
    );
}

fn line(out: &mut String, [(x1, y1), (x2, y2)]: [(f64, f64); 2], colour: &str) {
    let _ = writeln!(
        out,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>"
    );
}

fn dot(out: &mut String, (x, y): (f64, f64), colour: &str) {
    let _ = writeln!(
        out,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
    );
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, content: &str) {
    let escaped = content
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{escaped}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_holds_its_points_its_names_and_no_open_tags() {
        let series = Series {
            name: "a < b".into(),
            points: vec![
                (0.0, 1.0, "first".into()),
                (1_500_000.0, 3.0, String::new()),
            ],
            joined: true,
        };
        let plot = Plot {
            title: "T".into(),
            x: "x".into(),
            y: "y".into(),
            series: vec![series],
        };
        let svg = Plot::document(&[plot.clone(), plot]);
        assert!(svg.contains("a &lt; b") && svg.contains("first") && svg.contains("1.5M"));
        assert_eq!(svg.matches("<circle").count(), 4);
        for tag in ["g", "text", "svg"] {
            let opened = svg.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, svg.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn labels_of_near_points_do_not_cover_each_other() {
        let mut labels = Labels::default();
        for i in 0..6 {
            let _ = labels.place((100.0, 100.0 + f64::from(i)), "unstructured 50 %");
        }
        for (i, a) in labels.placed.iter().enumerate() {
            for b in &labels.placed[..i] {
                assert!(a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1]);
            }
        }
    }

    #[test]
    fn axes_stand_on_one_value_or_none() {
        for values in [vec![], vec![5.0], vec![f64::NAN], vec![-2.0, -2.0]] {
            let axis = Axis::of(values.iter().copied(), 0.0, 100.0);
            assert!(axis.at(axis.lo).is_finite() && axis.ticks().count() > 1);
        }
    }
}
