//! A small map of what is around the robot, as JSON.

use serde::{Deserialize, Serialize};

/// Cells in a row, and rows, of the largest map that is taken.
const MAX_SIDE: usize = 128;

/// A cell that nothing stands in.
pub(crate) const FREE: char = '.';
/// A cell that something stands in.
pub(crate) const OCCUPIED: char = '#';

/// A grid of cells; its rows go from the top, where y is largest, down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Minimap {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    pub(crate) robot_ts: f64,
    /// The side of a cell, in m.
    pub(crate) resolution: f64,
    /// Where the lower left corner is.
    pub(crate) origin: Corner,
    pub(crate) rows: Vec<String>,
    pub(crate) robot: Cell,
}

/// What the message says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Minimap,
}

/// A place in m.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Corner {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// The cell that the robot's middle is in, counted as `rows` are, and where it looks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) column: usize,
    pub(crate) row: usize,
    pub(crate) yaw: f64,
}

impl Minimap {
    /// A map of these rows, with the robot at a column and a row.
    #[cfg(test)]
    pub(crate) fn of(rows: &[&str], [column, row]: [usize; 2], yaw: f64) -> Minimap {
        Minimap {
            kind: Kind::Minimap,
            robot_ts: 1.5,
            resolution: 0.5,
            origin: Corner { x: 0.0, y: 0.0 },
            rows: rows.iter().map(|row| (*row).to_owned()).collect(),
            robot: Cell { column, row, yaw },
        }
    }

    /// Reads a map; one that is too large to be small is none.
    pub(crate) fn parse(message: &[u8]) -> Option<Minimap> {
        let map: Minimap = serde_json::from_slice(message).ok()?;
        let is_small = map.rows.len() <= MAX_SIDE && map.rows.iter().all(|row| row.chars().count() <= MAX_SIDE);
        is_small.then_some(map)
    }

    /// Whether something stands in a cell; outside of the map nothing does.
    pub(crate) fn is_occupied(&self, column: usize, row: usize) -> bool {
        self.rows.get(row).and_then(|row| row.chars().nth(column)) == Some(OCCUPIED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read_and_bounded() {
        let map = Minimap::of(&[".#", "#."], [1, 1], 0.0);
        assert!(map.is_occupied(1, 0) && !map.is_occupied(1, 1) && !map.is_occupied(9, 9));
        let read = |map: &Minimap| Minimap::parse(&serde_json::to_vec(map).expect("plain data"));
        assert_eq!(read(&map), Some(map));
        let (side, far) = ("#".repeat(MAX_SIDE), "#".repeat(MAX_SIDE + 1));
        let largest = Minimap::of(&vec![side.as_str(); MAX_SIDE], [0, 0], 0.0);
        assert_eq!(read(&largest), Some(largest.clone()));
        assert_eq!(read(&Minimap::of(&vec![side.as_str(); MAX_SIDE + 1], [0, 0], 0.0)), None);
        assert_eq!(read(&Minimap::of(&[&far], [0, 0], 0.0)), None);
        for none in ["", "{}", r#"{"type":"minimap"}"#] {
            assert_eq!(Minimap::parse(none.as_bytes()), None);
        }
    }
}
