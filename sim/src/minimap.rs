//! A small map of what is around the robot, for a terminal.

use farwire_core::teleop::Grid;

use crate::Pose;

/// Cells in a row, and rows, of the largest map that is shown as it is; of a larger one several cells are shown as one.
const MAX_SIDE: u32 = 64;

/// A cell that nothing stands in.
pub const FREE: char = '.';
/// A cell that something stands in.
pub const OCCUPIED: char = '#';
/// A cell of which nobody knows.
pub const UNKNOWN: char = ' ';

/// A grid of cells; its rows go from the top, where y is largest, down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Minimap {
    /// One string for each row, of one character for each cell.
    pub rows: Vec<String>,
    /// Where the robot is, if that is known and on the map.
    pub robot: Option<Cell>,
}

/// The cell that the robot's middle is in, counted as `rows` are, and where it looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// From the left.
    pub column: usize,
    /// From the top.
    pub row: usize,
    /// The heading in rad, left of where x grows.
    pub yaw: f64,
}

impl Minimap {
    /// A robot's map, with the robot on it.
    pub fn of(grid: &Grid, robot: Option<Pose>) -> Minimap {
        let scale = grid.width.max(grid.height).div_ceil(MAX_SIDE).max(1);
        let (columns, rows) = (grid.width.div_ceil(scale), grid.height.div_ceil(scale));
        let row = |row: u32| (0..columns).map(|column| shown(grid, column * scale, row * scale, scale)).collect();
        let cell = |pose: Pose| {
            let place = |at: f64, origin: f64, cells: u32| {
                let cell = (at - origin) / (grid.resolution * f64::from(scale));
                (cell >= 0.0 && cell < f64::from(cells)).then_some(cell as usize)
            };
            let column = place(pose.x, grid.origin[0], columns)?;
            let row = rows as usize - 1 - place(pose.y, grid.origin[1], rows)?;
            Some(Cell { column, row, yaw: pose.yaw })
        };
        Minimap { rows: (0..rows).rev().map(row).collect(), robot: robot.and_then(cell) }
    }

    /// Whether something stands in a cell; outside of the map nothing does.
    pub fn is_occupied(&self, column: usize, row: usize) -> bool {
        self.rows.get(row).and_then(|row| row.chars().nth(column)) == Some(OCCUPIED)
    }
}

/// What is in so many cells along x and y, the worst first.
fn shown(grid: &Grid, column: u32, row: u32, side: u32) -> char {
    let cells =
        (row..row + side).flat_map(|row| (column..column + side).filter_map(move |column| grid.cell(column, row)));
    match cells.max() {
        Some(1..) => OCCUPIED,
        Some(0) => FREE,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A map of these rows, with the robot at a column and a row.
    pub(crate) fn map_of(rows: &[&str], [column, row]: [usize; 2], yaw: f64) -> Minimap {
        Minimap { rows: rows.iter().map(|row| (*row).to_owned()).collect(), robot: Some(Cell { column, row, yaw }) }
    }

    #[test]
    fn the_lowest_row_of_a_grid_is_shown_at_the_bottom() {
        let grid = Grid { width: 3, height: 2, resolution: 0.5, origin: [-1.0, 0.0], cells: vec![100, 0, 0, -1, 0, 7] };
        let map = Minimap::of(&grid, Some(Pose { x: 0.1, y: 0.9, yaw: 1.0 }));
        assert_eq!(
            (&map.rows[..], map.robot),
            (&[" .#".to_owned(), "#..".to_owned()][..], Some(Cell { column: 2, row: 0, yaw: 1.0 }))
        );
        assert!(map.is_occupied(0, 1) && !map.is_occupied(0, 0) && !map.is_occupied(9, 9));
        for (x, y) in [(9.0, 0.5), (-1.1, 0.5), (0.0, f64::NAN), (0.0, 1.1)] {
            assert_eq!(Minimap::of(&grid, Some(Pose { x, y, yaw: 0.0 })).robot, None);
        }
    }

    #[test]
    fn a_large_map_is_shown_smaller_and_nothing_in_the_way_is_left_out() {
        let mut cells = vec![0; 200 * 100];
        cells[199] = 50;
        let grid = Grid { width: 200, height: 100, resolution: 0.1, origin: [0.0; 2], cells };
        let map = Minimap::of(&grid, Some(Pose { x: 10.0, y: 0.0, yaw: 0.0 }));
        assert_eq!((map.rows.len(), map.rows[0].len()), (25, 50));
        assert!(map.is_occupied(49, 24) && map.robot.is_some_and(|robot| (robot.column, robot.row) == (25, 24)));
    }
}
