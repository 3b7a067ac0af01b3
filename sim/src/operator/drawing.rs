//! The small map, two of its rows in one line of text.

use std::f64::consts::FRAC_PI_4;

use crate::Minimap;

/// Which way the robot looks, by eighths of a turn to the left, from where x grows.
const ARROWS: [char; 8] = ['→', '↗', '↑', '↖', '←', '↙', '↓', '↘'];

/// The map's lines, from the top. A character is about twice as high as it is wide, so cells come out square.
pub(super) fn draw(map: &Minimap) -> Vec<String> {
    let columns = map.rows.iter().map(|row| row.chars().count()).max().unwrap_or(0);
    (0..map.rows.len()).step_by(2).map(|row| (0..columns).map(|column| pair(map, column, row)).collect()).collect()
}

/// The cell of a row, and the one below it.
fn pair(map: &Minimap, column: usize, row: usize) -> char {
    if let Some(robot) = map.robot.filter(|robot| robot.column == column && robot.row / 2 * 2 == row) {
        return arrow(robot.yaw);
    }
    match (map.is_occupied(column, row), map.is_occupied(column, row + 1)) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

fn arrow(yaw: f64) -> char {
    // A yaw that is no number becomes 0.
    let eighths = (yaw / FRAC_PI_4).round() as i64;
    ARROWS[eighths.rem_euclid(8) as usize]
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::minimap::tests::map_of;

    #[test]
    fn a_robot_in_its_room() {
        let map = map_of(&["#####", "#...#", "#..##", "#...#", "#####"], [1, 3], 1.6);
        assert_eq!(draw(&map), ["█▀▀▀█", "█↑ ▀█", "▀▀▀▀▀"]);
    }

    #[test]
    fn arrows_point_where_the_robot_looks() {
        let arrows: String = [0.0, 0.3, 0.5, PI / 2.0, PI, -PI, -PI / 2.0, 9.0 * PI / 4.0].map(arrow).iter().collect();
        assert_eq!(arrows, "→→↗↑←←↓↗");
        assert_eq!([f64::NAN, f64::INFINITY].map(arrow).len(), 2);
    }
}
