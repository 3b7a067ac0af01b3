//! Heat maps as one SVG: nothing in it is loaded from elsewhere, and it is readable on light and dark pages.

use std::fmt::{self, Write as _};

use super::number::{number, size};
use super::{Grid, HeatMap, Row, STEPS, Square};
use crate::bench::outcome::{Cell, Outcome, Results};

/// In pixels.
const MARGIN: usize = 24;
const TITLE: usize = 56;
const LABEL: usize = 150;
const WIDTH: usize = 66;
const HEIGHT: usize = 28;
/// Between two maps, with the heading of the second.
const HEADING: usize = 58;
/// Fills from the worst to the best, each with letters that stand out from it. They differ in brightness as well as in
/// hue, for eyes that do not see every hue.
pub(super) const FILLS: [(&str, &str); STEPS as usize] = [
    ("#440154", "#ffffff"),
    ("#443983", "#ffffff"),
    ("#31688e", "#ffffff"),
    ("#21918c", "#000000"),
    ("#35b779", "#000000"),
    ("#90d743", "#000000"),
    ("#fde725", "#000000"),
];
/// Colours of everything else: those of a light page, unless the viewer says that it has a dark one.
const STYLE: &str = "\
.page{fill:#ffffff}.ink{fill:#1f2328}.faint{fill:#59636e}.none{fill:#d8dee4}.off{fill:#3d444d}\
text{font:13px system-ui,sans-serif}.title{font-size:18px;font-weight:600}.heading{font-weight:600}.mid{text-anchor:middle}\
.small{font-size:11px}\
@media (prefers-color-scheme:dark){.page{fill:#0d1117}.ink{fill:#f0f6fc}.faint{fill:#9198a1}.none{fill:#30363d}.off{fill:#d1d7e0}}";

/// Everything that was measured, as an SVG.
pub(crate) struct Svg<'a>(pub(crate) &'a Results);

impl fmt::Display for Svg<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Svg(results) = self;
        let grid = Grid::of(results);
        let maps: Vec<HeatMap> = grid.maps().collect();
        let (width, height) = extent(&grid, maps.len());
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">"#
        )?;
        writeln!(f, "<title>farwire bench: heat maps</title>")?;
        writeln!(f, "<style>{STYLE}</style>")?;
        writeln!(f, r#"<rect class="page" width="{width}" height="{height}"/>"#)?;
        text(f, MARGIN, MARGIN + 18, "ink title", &format!("farwire {} bench", env!("CARGO_PKG_VERSION")))?;
        let sfu = if results.own_sfu { "an SFU of its own" } else { "another SFU" };
        let debug = if results.debug_build { "; a debug build, so the numbers mean little" } else { "" };
        let how = format!("through {sfu}; payload sizes across; the brighter, the better{debug}");
        text(f, MARGIN, MARGIN + 40, "faint", &how)?;
        let mut y = MARGIN + TITLE;
        for map in &maps {
            map.draw(f, &grid, y)?;
            y += map_height(&grid);
        }
        for limit in grid.limits() {
            let note = format!(">{}: too large, a message there has {limit} bytes at most", size(limit));
            text(f, MARGIN, y + 14, "faint", &note)?;
            y += HEIGHT;
        }
        writeln!(f, "</svg>")
    }
}

/// Width and height of the whole picture.
fn extent(grid: &Grid<'_>, maps: usize) -> (usize, usize) {
    let width = 2 * MARGIN + LABEL + WIDTH * grid.sizes.len().max(8);
    let height = 2 * MARGIN + TITLE + maps * map_height(grid) + HEIGHT * grid.limits().len();
    (width, height)
}

fn map_height(grid: &Grid<'_>) -> usize {
    HEADING + HEIGHT * grid.rows.len()
}

impl HeatMap {
    fn draw(&self, f: &mut fmt::Formatter<'_>, grid: &Grid<'_>, y: usize) -> fmt::Result {
        text(f, MARGIN, y + 14, "ink heading", &self.heading())?;
        for (column, bytes) in grid.sizes.iter().enumerate() {
            let x = MARGIN + LABEL + column * WIDTH + WIDTH / 2;
            text(f, x, y + 36, "faint mid", &size(*bytes))?;
        }
        for (index, (row, squares)) in grid.rows.iter().zip(&self.rows).enumerate() {
            let y = y + 42 + index * HEIGHT;
            text(f, MARGIN, y + 19, "ink", &row.label)?;
            for (column, square) in squares.iter().enumerate() {
                let x = MARGIN + LABEL + column * WIDTH;
                let details = self.details(grid, row, column, square);
                write!(f, "<g><title>{}</title>", Escaped(&details))?;
                square.draw(f, x, y)?;
                writeln!(f, "</g>")?;
            }
        }
        Ok(())
    }

    /// What a pointer over the square shows.
    fn details(&self, grid: &Grid<'_>, row: &Row<'_>, column: usize, square: &Square) -> String {
        let bytes = grid.sizes.get(column).copied().unwrap_or_default();
        let mut details = format!("{bytes} bytes, {}, {}: ", row.label, self.metric.name);
        let cell: Option<&Cell> = row.cells.get(column).copied().flatten();
        let _ = match (square, cell.map(|cell| &cell.outcome)) {
            (Square::Value { value, .. }, _) => write!(details, "{value}"),
            (Square::TooLarge { limit }, _) => write!(details, "too large, a message has {limit} bytes at most"),
            (_, Some(Outcome::Failed { why })) => write!(details, "failed: {why}"),
            (_, Some(_)) => write!(details, "nothing came through"),
            (_, None) => write!(details, "not measured"),
        };
        details
    }
}

impl Square {
    fn draw(&self, f: &mut fmt::Formatter<'_>, x: usize, y: usize) -> fmt::Result {
        let (fill, ink, shown) = match self {
            Square::Value { value, step } => {
                let (fill, ink) = FILLS[usize::from(*step).min(FILLS.len() - 1)];
                (format!(r#"fill="{fill}""#), format!(r#"class="mid" fill="{ink}""#), number(*value))
            }
            Square::TooLarge { limit } => (none(), off(), format!(">{}", size(*limit))),
            Square::Failed => (none(), off(), "failed".to_owned()),
            Square::Empty => (none(), off(), "-".to_owned()),
        };
        let (width, height) = (WIDTH - 2, HEIGHT - 2);
        write!(f, r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" {fill}/>"#)?;
        write!(f, r#"<text x="{}" y="{}" {ink}>{}</text>"#, x + width / 2, y + 18, Escaped(&shown))
    }
}

fn none() -> String {
    r#"class="none""#.to_owned()
}

fn off() -> String {
    r#"class="off mid small""#.to_owned()
}

fn text(f: &mut fmt::Formatter<'_>, x: usize, y: usize, class: &str, shown: &str) -> fmt::Result {
    writeln!(f, r#"<text x="{x}" y="{y}" class="{class}">{}</text>"#, Escaped(shown))
}

/// As XML has it between tags and in attributes; what XML cannot say is a replacement character.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&apos;")?,
                '\t' | '\n' | '\r' => f.write_char(' ')?,
                '\0'..' ' | '\u{7f}'..'\u{a0}' | '\u{fffe}' | '\u{ffff}' => {
                    f.write_char(char::REPLACEMENT_CHARACTER)?;
                }
                _ => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}
