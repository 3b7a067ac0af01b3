//! A small map of what is around the robot, as JSON.

use serde::{Deserialize, Serialize};

/// Cells in a row, and rows, of the largest map that is taken.
const MAX_SIDE: usize = 128;

/// A cell that nothing stands in.
pub const FREE: char = '.';
/// A cell that something stands in.
pub const OCCUPIED: char = '#';

/// A grid of cells; its rows go from the top, where y is largest, down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Minimap {
    #[serde(rename = "type")]
    /// Always the same.
    pub kind: Kind,
    /// Seconds since 1970, by the robot's clock.
    pub robot_ts: f64,
    /// The side of a cell, in m.
    pub resolution: f64,
    /// Where the lower left corner is.
    pub origin: Corner,
    /// One string for each row, of one character for each cell.
    pub rows: Vec<String>,
    /// Where the robot is.
    pub robot: Cell,
}

/// What the message says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A map.
    Minimap,
}

/// A place in m.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Corner {
    /// To the right.
    pub x: f64,
    /// Up.
    pub y: f64,
}

/// The cell that the robot's middle is in, counted as `rows` are, and where it looks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// From the left.
    pub column: usize,
    /// From the top.
    pub row: usize,
    /// The heading in rad, left of where x grows.
    pub yaw: f64,
}

impl Minimap {
    /// Reads a map; one that is too large to be small is none.
    pub fn parse(message: &[u8]) -> Option<Minimap> {
        let map: Minimap = serde_json::from_slice(message).ok()?;
        let is_small = map.rows.len() <= MAX_SIDE && map.rows.iter().all(|row| row.chars().count() <= MAX_SIDE);
        is_small.then_some(map)
    }

    /// Whether something stands in a cell; outside of the map nothing does.
    pub fn is_occupied(&self, column: usize, row: usize) -> bool {
        self.rows.get(row).and_then(|row| row.chars().nth(column)) == Some(OCCUPIED)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A map of these rows, with the robot at a column and a row.
    pub(crate) fn map_of(rows: &[&str], [column, row]: [usize; 2], yaw: f64) -> Minimap {
        Minimap {
            kind: Kind::Minimap,
            robot_ts: 1.5,
            resolution: 0.5,
            origin: Corner { x: 0.0, y: 0.0 },
            rows: rows.iter().map(|row| (*row).to_owned()).collect(),
            robot: Cell { column, row, yaw },
        }
    }

    #[test]
    fn maps_are_read_and_bounded() {
        let map = map_of(&[".#", "#."], [1, 1], 0.0);
        assert!(map.is_occupied(1, 0) && !map.is_occupied(1, 1) && !map.is_occupied(9, 9));
        let read = |map: &Minimap| Minimap::parse(&serde_json::to_vec(map).expect("plain data"));
        assert_eq!(read(&map), Some(map));
        let (side, far) = ("#".repeat(MAX_SIDE), "#".repeat(MAX_SIDE + 1));
        let largest = map_of(&vec![side.as_str(); MAX_SIDE], [0, 0], 0.0);
        assert_eq!(read(&largest), Some(largest.clone()));
        assert_eq!(read(&map_of(&vec![side.as_str(); MAX_SIDE + 1], [0, 0], 0.0)), None);
        assert_eq!(read(&map_of(&[&far], [0, 0], 0.0)), None);
        for none in ["", "{}", r#"{"type":"minimap"}"#] {
            assert_eq!(Minimap::parse(none.as_bytes()), None);
        }
    }
}
