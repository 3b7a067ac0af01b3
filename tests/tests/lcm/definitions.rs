//! What the macro can define, and what cannot be encoded.

#![allow(missing_docs)]

use farwire_core::lcm::{EncodeCause, MAX_DEPTH, Message};

farwire_core::lcm_messages! {
    package tests.shapes;

    /// Each primitive.
    #[derive(PartialOrd)]
    pub struct Primitives {
        boolean yes;
        byte r#type;
        int8_t a;
        int16_t b;
        int32_t c;
        int64_t d;
        float e;
        double f;
        string text;
    }

    pub struct Grid {
        count int16_t rows;
        count byte columns;
        int16_t cells[rows][columns];
        /// Named like the end of a row.
        float corners[rows][2];
        Primitives pair[2];
        string names[2][columns];
    }

    pub(crate) struct Tree {
        count int8_t n;
        Tree children[n];
    }

    struct Empty {}
}

#[test]
fn primitives_are_big_endian_in_turn() {
    let message = Primitives { yes: true, r#type: 2, a: -1, b: -2, c: 3, d: 4, e: 1.0, f: -0.5, text: "ß".into() };
    let bytes = message.to_bytes().expect("it has an encoding");
    let body = b"\x01\x02\xff\xff\xfe\0\0\0\x03\0\0\0\0\0\0\0\x04\x3f\x80\0\0\xbf\xe0\0\0\0\0\0\0\0\0\0\x03\xc3\x9f\0";
    assert_eq!(bytes[8..], *body);
    assert_eq!(Primitives::decode(&bytes), Ok(message));
    assert_eq!(Primitives::NAME, "tests.shapes.Primitives");
    assert_eq!(Primitives::schema().members()[1].name(), "type");
}

fn grid() -> Grid {
    Grid {
        cells: vec![vec![1, 2, 3], vec![4, 5, 6]],
        corners: vec![[1.0, 2.0], [3.0, 4.0]],
        names: [vec!["a".into(), "b".into(), "c".into()], vec!["d".into(), "e".into(), "f".into()]],
        ..Default::default()
    }
}

#[test]
fn arrays_of_several_dimensions_are_row_major() {
    let bytes = grid().to_bytes().expect("it has an encoding");
    assert_eq!(bytes[8..23], *b"\0\x02\x03\0\x01\0\x02\0\x03\0\x04\0\x05\0\x06");
    assert_eq!(bytes.len(), grid().encoded_len());
    assert_eq!(Grid::decode(&bytes), Ok(grid()));
    let nothing = Grid::default();
    assert_eq!(Grid::decode(&nothing.to_bytes().expect("it has an encoding")), Ok(nothing));
}

#[test]
fn lengths_that_disagree_are_refused() {
    let mut ragged = grid();
    ragged.cells[1].pop();
    let error = ragged.to_bytes().expect_err("no count can say this");
    assert_eq!((error.message, error.field), ("tests.shapes.Grid", "cells"));
    assert_eq!(error.cause, EncodeCause::LengthsDiffer { count: "columns", earlier: 3, len: 2 });
    assert_eq!(
        error.to_string(),
        "tests.shapes.Grid, field cells: 2 elements where there were 3, though both are counted by columns: make them \
         equally long"
    );
    let mut uneven = grid();
    uneven.corners.pop();
    assert_eq!(uneven.to_bytes().expect_err("no count can say this").field, "corners");
}

#[test]
fn counts_that_are_too_large_are_refused() {
    let tall = Grid { cells: vec![vec![]; 40_000], corners: vec![[0.0; 2]; 40_000], ..Default::default() };
    let cause = EncodeCause::TooManyElements { count: "rows", len: 40_000, max: 32_767 };
    assert_eq!(tall.to_bytes().expect_err("too many").cause, cause);
    let tree = Tree { children: vec![Tree::default(); 128] };
    assert!(matches!(tree.to_bytes().expect_err("too many").cause, EncodeCause::TooManyElements { max: 127, .. }));
}

#[test]
fn a_buffer_that_is_too_small_is_an_error() {
    let message = grid();
    let mut buffer = vec![0; message.encoded_len()];
    for len in 0..buffer.len() {
        let error = message.encode(&mut buffer[..len]).expect_err("too small");
        assert!(matches!(error.cause, EncodeCause::BufferTooSmall { .. }), "{error}");
    }
    assert_eq!(message.encode(&mut buffer), Ok(message.encoded_len()));
}

#[test]
fn messages_are_nested_only_so_deep() {
    let nest = |depth| (0..depth).fold(Tree::default(), |inner, _| Tree { children: vec![inner] });
    let deepest = nest(MAX_DEPTH);
    assert_eq!(Tree::decode(&deepest.to_bytes().expect("just deep enough")), Ok(deepest));
    assert_eq!(nest(MAX_DEPTH + 1).to_bytes().expect_err("too deep").cause, EncodeCause::TooDeep(MAX_DEPTH));
}

#[test]
fn a_message_may_be_empty() {
    assert_eq!(Empty {}.to_bytes().expect("it has an encoding"), 0x2468_acf0_u64.to_be_bytes());
    assert_eq!(Empty::decode(&0x2468_acf0_u64.to_be_bytes()), Ok(Empty {}));
}
