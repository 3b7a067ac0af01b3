//! The room that the robot drives in: four walls, a shelf and a table.

use farwire_core::teleop::Grid;

/// Cells along each wall.
const SIDE: usize = 32;
/// The side of a cell, in m.
const RESOLUTION: f64 = 0.25;
/// From the middle of the room, which is where the robot starts, to the outside of a wall.
const HALF: f64 = RESOLUTION * SIDE as f64 / 2.0;
/// How far the robot reaches around its middle, in m.
const REACH: f64 = 0.2;

/// What stands in the room: from and to where, along x and y.
const FURNITURE: [[f64; 4]; 2] = [[-3.0, -1.0, 2.0, 2.75], [1.5, 2.75, -2.5, -1.25]];

/// Which cells something stands in; row 0 is the lowest.
#[derive(Debug)]
pub struct Room {
    occupied: [[bool; SIDE]; SIDE],
}

impl Default for Room {
    fn default() -> Room {
        Room::new()
    }
}

impl Room {
    /// The one room that there is: 8 m by 8 m.
    pub fn new() -> Room {
        let mut occupied = [[false; SIDE]; SIDE];
        for (row, cells) in occupied.iter_mut().enumerate() {
            for (column, cell) in cells.iter_mut().enumerate() {
                let is_wall = [row, column].iter().any(|at| *at == 0 || *at == SIDE - 1);
                let (x, y) = (middle(column), middle(row));
                let is_furniture = |[left, right, low, high]: [f64; 4]| x > left && x < right && y > low && y < high;
                *cell = is_wall || FURNITURE.into_iter().any(is_furniture);
            }
        }
        Room { occupied }
    }

    /// Whether the robot fits in there with its middle at this place.
    pub fn is_free(&self, x: f64, y: f64) -> bool {
        if x.abs().max(y.abs()) > HALF {
            return false;
        }
        let near = |at: f64| index(at - REACH)..=index(at + REACH);
        let touches = |column: usize, row: usize| {
            let gap = |at: f64, cell: usize| ((at - middle(cell)).abs() - RESOLUTION / 2.0).max(0.0);
            gap(x, column).hypot(gap(y, row)) < REACH
        };
        !near(y).any(|row| near(x).any(|column| self.occupied[row][column] && touches(column, row)))
    }

    /// The map of it.
    pub fn grid(&self) -> Grid {
        let side = SIDE as u32;
        let cells = self.occupied.as_flattened().iter().map(|cell| if *cell { 100 } else { 0 }).collect();
        Grid { width: side, height: side, resolution: RESOLUTION, origin: [-HALF; 2], cells }
    }
}

/// The middle of a column along x, or of a row along y.
fn middle(cell: usize) -> f64 {
    (cell as f64 + 0.5) * RESOLUTION - HALF
}

/// The column or row of a place; the outermost of what is outside.
fn index(at: f64) -> usize {
    // A negative number, or none, becomes 0.
    (((at + HALF) / RESOLUTION) as usize).min(SIDE - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walls_and_furniture_are_in_the_way() {
        let room = Room::new();
        for (x, y) in [(0.0, 0.0), (3.5, 3.5), (-3.5, -3.5), (0.0, 1.5), (1.25, -2.0)] {
            assert!(room.is_free(x, y), "({x}, {y})");
        }
        for (x, y) in [(3.6, 0.0), (0.0, -3.6), (-2.0, 2.4), (-2.0, 1.9), (2.0, -2.0), (9.0, 0.0), (-1e300, 0.0)] {
            assert!(!room.is_free(x, y), "({x}, {y})");
        }
        // Past a corner, a round robot comes nearer than a square one.
        assert!(room.is_free(-0.84, 1.84) && !room.is_free(-0.88, 1.88));
    }

    #[test]
    fn the_map_is_small_and_read_as_written() {
        let map = Room::new().grid();
        let json = map.to_json(1.5).expect("a map");
        assert!(json.len() < 2048 && json.contains(r#""type":"map""#), "{json}");
        assert_eq!(Grid::parse(json.as_bytes()), Some(map.clone()));
        // Row 0 is the lowest: the shelf is in the upper left, the table in the lower right.
        let is_occupied = |column, row| map.cell(column, row) == Some(100);
        assert!(is_occupied(8, 25) && !is_occupied(24, 25) && is_occupied(24, 7) && !is_occupied(8, 7));
    }
}
