//! Heat maps: one for each thing that is measured, with sizes across, and a row for each delivery and driver.

mod file;
mod metric;
mod number;
mod svg;
mod text;

pub(super) use self::file::SvgFile;
pub(super) use self::svg::Svg;
pub(super) use self::text::print;

use self::metric::{METRICS, Metric};
use super::outcome::{Cell, Outcome, Results};

/// How many steps there are from the worst to the best.
const STEPS: u8 = 7;

/// One thing that is measured, for all that was.
struct HeatMap {
    metric: &'static Metric,
    rows: Vec<Vec<Square>>,
}

/// One size, delivery and driver in a map.
#[derive(Debug, PartialEq)]
enum Square {
    /// The value, and how good it is among the others: a step below [`STEPS`].
    Value {
        value: f64,
        step: u8,
    },
    /// What a message may have at most, in bytes.
    TooLarge {
        limit: usize,
    },
    Failed,
    /// Not measured, or without a meaning there.
    Empty,
}

/// What all maps have in common.
struct Grid<'a> {
    /// Ascending.
    sizes: Vec<usize>,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    label: String,
    /// One for each size.
    cells: Vec<Option<&'a Cell>>,
}

impl<'a> Grid<'a> {
    fn of(results: &'a Results) -> Grid<'a> {
        let cells = &results.cells;
        let mut sizes: Vec<usize> = cells.iter().map(|cell| cell.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let mut kinds = Vec::new();
        for cell in cells {
            if !kinds.contains(&(cell.delivery, cell.driver)) {
                kinds.push((cell.delivery, cell.driver));
            }
        }
        let one_driver = kinds.iter().all(|(_, driver)| Some(driver) == kinds.first().map(|(_, first)| first));
        let row = |(delivery, driver)| {
            let is_of = |size, cell: &Cell| (cell.size, cell.delivery, cell.driver) == (size, delivery, driver);
            // Of a size that was measured twice, the latest.
            let cells = sizes.iter().map(|size| cells.iter().rfind(|cell| is_of(*size, cell))).collect();
            let label = if one_driver { delivery.to_owned() } else { format!("{delivery} {}", driver.as_str()) };
            Row { label, cells }
        };
        let rows = kinds.into_iter().map(row).collect();
        Grid { sizes, rows }
    }

    fn maps(&self) -> impl Iterator<Item = HeatMap> {
        METRICS.iter().map(|metric| self.map(metric))
    }

    fn map(&self, metric: &'static Metric) -> HeatMap {
        let value = |cell: &Cell| cell.run().and_then(metric.of).filter(|value| value.is_finite() && *value >= 0.0);
        let values: Vec<f64> =
            self.rows.iter().flat_map(|row| row.cells.iter().flatten().copied()).filter_map(value).collect();
        let square = |cell: &Option<&Cell>| match cell {
            None => Square::Empty,
            Some(cell) => match (value(cell), &cell.outcome) {
                (Some(value), _) => Square::Value { value, step: metric.step(value, &values) },
                (None, Outcome::TooLarge { limit_bytes }) => Square::TooLarge { limit: *limit_bytes },
                (None, Outcome::Failed { .. }) => Square::Failed,
                (None, Outcome::Measured(_)) => Square::Empty,
            },
        };
        let rows = self.rows.iter().map(|row| row.cells.iter().map(square).collect()).collect();
        HeatMap { metric, rows }
    }

    /// The limits that were met, ascending.
    fn limits(&self) -> Vec<usize> {
        let outcomes = self.rows.iter().flat_map(|row| row.cells.iter().flatten()).map(|cell| &cell.outcome);
        let mut limits: Vec<usize> = outcomes
            .filter_map(|outcome| match outcome {
                Outcome::TooLarge { limit_bytes } => Some(*limit_bytes),
                _ => None,
            })
            .collect();
        limits.sort_unstable();
        limits.dedup();
        limits
    }
}

impl HeatMap {
    fn heading(&self) -> String {
        let Metric { name, note, more_is_better, .. } = self.metric;
        let better = if *more_is_better { "more is better" } else { "less is better" };
        if note.is_empty() { format!("{name}, {better}") } else { format!("{name}, {better} ({note})") }
    }
}

#[cfg(test)]
mod tests;
