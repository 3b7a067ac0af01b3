//! Heat maps for a terminal, a log or a pipe. Each says as much without colours.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _};

use super::number::{number, size};
use super::{Grid, STEPS, Square};
use crate::bench::outcome::Results;
use crate::failure::Failure;
use crate::output;

/// From the worst to the best.
const BARS: [char; STEPS as usize] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'];
/// Of the 256 colours, from the worst to the best: behind, and of the letters on it.
const COLOURS: [(u8, u8); STEPS as usize] =
    [(53, 255), (60, 255), (24, 255), (30, 255), (35, 16), (112, 16), (220, 16)];

/// Prints all maps; with colours only on a terminal whose user has not set `NO_COLOR`.
pub(crate) fn print(results: &Results) -> Result<(), Failure> {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let coloured = io::stdout().is_terminal() && !refused && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    output::line(text(results, coloured).trim_end())
}

pub(super) fn text(results: &Results, coloured: bool) -> String {
    let grid = Grid::of(results);
    let label_width = grid.rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    let mut text = String::from("\nThe fuller the bar, the better.\n");
    for map in grid.maps() {
        let _ = writeln!(text, "\n{}", map.heading());
        let _ = write!(text, "{:label_width$}", "");
        for bytes in &grid.sizes {
            let _ = write_word(&mut text, &size(*bytes));
        }
        end_line(&mut text);
        for (row, squares) in grid.rows.iter().zip(&map.rows) {
            let _ = write!(text, "{:label_width$}", row.label);
            squares.iter().for_each(|square| write_square(&mut text, square, coloured));
            end_line(&mut text);
        }
    }
    write_notes(&mut text, &grid);
    text
}

fn write_square(text: &mut String, square: &Square, coloured: bool) {
    let _ = match square {
        Square::Value { value, step } => {
            let step = usize::from(*step).min(BARS.len() - 1);
            let (value, bar) = (number(*value), BARS[step]);
            if coloured {
                let (behind, letters) = COLOURS[step];
                write!(text, "\x1b[48;5;{behind}m\x1b[38;5;{letters}m {value:>5}{bar}\x1b[0m")
            } else {
                write!(text, " {value:>5}{bar}")
            }
        }
        Square::TooLarge { limit } => write_word(text, &format!(">{}", size(*limit))),
        Square::Failed => write_word(text, "failed"),
        Square::Empty => write_word(text, "-"),
    };
}

/// Where a number would stand; a word of six letters takes the bar's place as well.
fn write_word(text: &mut String, word: &str) -> fmt::Result {
    write!(text, " {:<6}", format!("{word:>5}"))
}

/// What stands in the squares besides numbers.
fn write_notes(text: &mut String, grid: &Grid<'_>) {
    let limits = grid.limits();
    if !limits.is_empty() {
        text.push('\n');
    }
    for limit in limits {
        let _ = writeln!(text, ">{}: too large, a message there has {limit} bytes at most", size(limit));
    }
}

/// Nothing invisible stands at the end of a line.
fn end_line(text: &mut String) {
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
}
