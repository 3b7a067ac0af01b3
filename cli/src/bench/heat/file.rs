//! The file that an SVG goes to, as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A file that can be written, as far as one can know before it is.
pub(crate) struct SvgFile {
    path: PathBuf,
}

impl SvgFile {
    /// Looks whether the file can be written, so that this fails before minutes of measuring, and not after.
    pub(crate) fn find(path: &Path) -> Result<SvgFile, Failure> {
        let usage = |why: &dyn std::fmt::Display| Failure::usage(format_args!("--svg {}: {why}", path.display()));
        let path = match fs::canonicalize(path) {
            // A link stays one, and a device what it is.
            Ok(there) if there.is_file() => there,
            Ok(_) => return Err(usage(&"it is there, and no file")),
            Err(_) if path.file_name().is_none() => return Err(usage(&"it names no file")),
            Err(_) => path.to_owned(),
        };
        let file = SvgFile { path };
        file.unfinished().and_then(|(unfinished, _)| fs::remove_file(unfinished)).map_err(|error| usage(&error))?;
        Ok(file)
    }

    /// Puts the text there, in place of what was there before.
    pub(crate) fn write(&self, text: &str) -> Result<(), Failure> {
        let written = self.unfinished().and_then(|(unfinished, mut file)| {
            let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
            // Renamed into place, so that nobody reads half a file.
            let written = written.and_then(|()| fs::rename(&unfinished, &self.path));
            if written.is_err() {
                let _ = fs::remove_file(&unfinished);
            }
            written
        });
        written.map_err(|error| Failure::failed(format_args!("cannot write {}: {error}", self.path.display())))
    }

    /// A new file beside it.
    fn unfinished(&self) -> io::Result<(PathBuf, File)> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        let unfinished = self.path.with_file_name(name);
        // What an earlier process of the same number left behind, a link perhaps, is not written to.
        let _ = fs::remove_file(&unfinished);
        let file = File::options().write(true).create_new(true).open(&unfinished)?;
        Ok((unfinished, file))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("farwire-svg-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).expect("a directory");
            Scratch(path)
        }

        fn names(&self) -> usize {
            fs::read_dir(&self.0).expect("there").count()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn refused(path: &Path) -> String {
        match SvgFile::find(path) {
            Err(Failure::Usage(why)) => why,
            _ => panic!("{} was taken", path.display()),
        }
    }

    #[test]
    fn it_is_written_as_a_whole_and_leaves_nothing_beside_it() {
        let scratch = Scratch::new("whole");
        let path = scratch.0.join("heat.svg");
        let file = SvgFile::find(&path).expect("writable");
        assert_eq!(scratch.names(), 0, "nothing is there before it is written");
        for text in ["<svg/>", "<svg>again</svg>"] {
            file.write(text).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
            assert_eq!(scratch.names(), 1);
        }
        let link = scratch.0.join("link.svg");
        symlink(&path, &link).expect("linked");
        SvgFile::find(&link).expect("writable").write("linked").expect("written");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("there"), "linked");
    }

    #[test]
    fn what_cannot_be_written_is_told_before_anything_is_measured() {
        let scratch = Scratch::new("refused");
        assert!(refused(&scratch.0).contains("no file"));
        assert!(refused(Path::new("/dev/null")).contains("/dev/null: it is there, and no file"));
        assert!(refused(Path::new("")).contains("it names no file"));
        assert!(refused(&scratch.0.join("nowhere/heat.svg")).contains("nowhere/heat.svg"));
        let file = SvgFile::find(&scratch.0.join("heat.svg")).expect("writable");
        fs::remove_dir_all(&scratch.0).expect("removed");
        assert!(matches!(file.write("late"), Err(Failure::Failed(why)) if why.contains("heat.svg")));
    }
}
