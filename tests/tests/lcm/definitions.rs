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

/// Fields, types and variables that are called alike, and like what the macro itself needs.
#[allow(non_camel_case_types)]
mod alike {
    farwire_core::lcm_messages! {
        package p;

        struct pose { double x; }
        struct a { pose pose; }
        struct f { double v[0x10]; }
        struct error { int8_t other; }
        struct reader { error error; f f; }
        struct writer { count int32_t count; reader reader; writer writer[count]; pose error[count]; }
        struct counts { int32_t double; float int32_t; string string; boolean r#struct; byte u8; double f64; }
        struct message { count byte name; counts map[name]; string values[name]; }
    }

    #[test]
    fn what_is_called_alike_is_told_apart() {
        use farwire_core::lcm::Message;

        let pose = pose { x: 1.5 };
        let a = a { pose: pose.clone() };
        assert_eq!(a::decode(&a.to_bytes().expect("it has an encoding")), Ok(a));
        let error = error { other: 3 };
        let reader = reader { error, f: Default::default() };
        let inner = writer { reader: reader.clone(), writer: Vec::new(), error: Vec::new() };
        let writer = writer { reader, writer: vec![inner], error: vec![pose] };
        assert_eq!(writer::decode(&writer.to_bytes().expect("it has an encoding")), Ok(writer));
        let counts = counts { double: 1, int32_t: 2.0, string: "s".into(), r#struct: true, u8: 3, f64: 4.0 };
        let message = message { map: vec![counts], values: vec!["one".into()] };
        assert_eq!(message::decode(&message.to_bytes().expect("it has an encoding")), Ok(message));
        // The struct hashes as `lcm-gen --debug` of LCM 1.5.3 prints them.
        let pose_fingerprint = 0x0664_93de_0f5c_67f0_u64.rotate_left(1);
        assert_eq!(pose::FINGERPRINT, pose_fingerprint);
        assert_eq!(a::FINGERPRINT, (0x5678_0470_6f73_8968_u64.wrapping_add(pose_fingerprint)).rotate_left(1));
        assert_eq!(f::FINGERPRINT, 0x67ed_0ccd_a845_12e8_u64.rotate_left(1));
    }
}

/// Constants, and dimensions that they give.
mod constants {
    farwire_core::lcm_messages! {
        package p;

        pub struct Named {
            /// How many.
            const int32_t N = 3;
            double v[N];
        }

        pub struct Numbered {
            double v[3];
        }

        pub struct Mixed {
            const int32_t N = 0x10, M = 2;
            const double G = 9.81;
            const int8_t S = -1;
            count int32_t n;
            double v[N][n][M];
        }

        pub struct Listed {
            count int32_t n, m;
            double x, v[3], w[n][m];
        }

        pub struct Spelled {
            count int32_t n;
            count int32_t m;
            double x;
            double v[3];
            double w[n][m];
        }

        pub struct Only {
            const int64_t NAME = 1;
        }
    }

    #[test]
    fn constants_are_associated_and_can_be_dimensions() {
        use farwire_core::lcm::{Dimension, Message};

        assert_eq!((Named::N, Mixed::N, Mixed::M, Mixed::S, Only::NAME), (3_i32, 16_i32, 2_i32, -1_i8, 1_i64));
        assert_eq!(Mixed::G, 9.81_f64);
        let named = Named { v: [1.0, 2.0, 3.0] };
        assert_eq!(Named::decode(&named.to_bytes().expect("it has an encoding")), Ok(named));
        let mixed = Mixed { v: std::array::from_fn(|row| vec![[row as f64; 2]; 3]) };
        let bytes = mixed.to_bytes().expect("it has an encoding");
        assert_eq!(bytes.len(), 8 + 4 + 16 * 3 * 2 * 8);
        assert_eq!(Mixed::decode(&bytes), Ok(mixed));
        // The struct hashes as `lcm-gen --debug` of LCM 1.5.3 prints them: a constant counts by its text, where it is used.
        assert_eq!(Named::FINGERPRINT, 0x21f0_a398_12f3_355a_u64.rotate_left(1));
        assert_eq!(Numbered::FINGERPRINT, Named::FINGERPRINT);
        assert_eq!(Mixed::FINGERPRINT, 0xc941_1c72_a093_0e59_u64.rotate_left(1));
        assert_eq!(Listed::FINGERPRINT, Spelled::FINGERPRINT);
        assert_eq!(Listed { x: 1.0, v: [0.0; 3], w: vec![vec![2.0]] }.encoded_len(), 8 + 8 + 8 * 5);
        assert_eq!(Only::FINGERPRINT, 0x1234_5678_u64.rotate_left(1));
        assert!(matches!(Mixed::schema().members()[1].dimensions()[0], Dimension::Fixed("0x10")));
    }
}
