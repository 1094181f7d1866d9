//! `--plot FILE`: a picture of the run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};
use tokio::task::spawn_blocking;

use super::Context;
use super::failure::{Failure, Kind};
use super::retry::path_of_attempt;
use super::stopping::aside_unless_stopped;
use crate::link::Stop;
use crate::recording::ReservedFile;
use crate::report::Item;
use crate::report::plot::{DrawingError, PictureFormat, UnknownPictureError};

/// How long a picture may still take once a stop has been asked for: a pipe that nobody reads must
/// not hold the program.
const GRACE: Duration = Duration::from_secs(5);

/// Where a picture goes, and in which format.
#[derive(Clone, Debug)]
pub(super) struct PlotPath {
    path: PathBuf,
    format: PictureFormat,
}

/// Reads the name of a file for a picture.
pub(super) fn plot_path() -> impl TypedValueParser<Value = PlotPath> {
    PathBufValueParser::new().try_map(|path| {
        let format = PictureFormat::of(&path)?;
        Ok::<_, UnknownPictureError>(PlotPath { path, format })
    })
}

impl PlotPath {
    /// The same for an attempt: each has a picture of its own.
    pub(super) fn of_attempt(&self, attempt: u32) -> Self {
        PlotPath {
            path: path_of_attempt(&self.path, attempt),
            format: self.format,
        }
    }

    /// Checks that the picture does not take the place of another file of the run.
    pub(super) fn is_apart_from(&self, other: &Path) -> Result<(), Failure> {
        if is_same(&self.path, other) {
            return Err(Kind::Usage.because(format_args!(
                "--plot would overwrite {}: name another file",
                other.display()
            )));
        }
        Ok(())
    }

    /// Opens the file, to find out before the run whether it can be written.
    pub(super) async fn open(&self, stop: &mut Stop) -> Result<PlotFile, Failure> {
        let path = self.path.clone();
        let opened = aside_unless_stopped(stop, || ReservedFile::open(path)).await?;
        let name = self.path.display().to_string();
        match opened {
            Ok(file) => Ok(PlotFile {
                file,
                name,
                format: self.format,
            }),
            Err(error) => Err(Kind::Picture.because(unwritable(&name, error))),
        }
    }
}

/// Whether two paths lead to one file, however they are written.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    place(one) == place(other)
}

/// Where a path leads, if there is something, or something could be made, there.
fn place(path: &Path) -> PathBuf {
    if let Ok(place) = path.canonicalize() {
        return place;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// Opens the file of a picture, if there is to be one.
pub(super) async fn open_plot(
    stop: &mut Stop,
    path: Option<&PlotPath>,
) -> Result<Option<PlotFile>, Failure> {
    match path {
        None => Ok(None),
        Some(path) => path.open(stop).await.map(Some),
    }
}

/// A file that is going to hold a picture. What it holds is kept until there is one.
#[derive(Debug)]
pub(super) struct PlotFile {
    file: ReservedFile,
    name: String,
    format: PictureFormat,
}

impl PlotFile {
    /// Draws the picture and writes it, all at once, also after a stop. A failure is told and does
    /// not change what came of the run.
    pub(super) async fn draw(
        self,
        context: &mut Context<'_>,
        draw: impl FnOnce(PictureFormat) -> Result<Vec<u8>, DrawingError> + Send + 'static,
    ) {
        let PlotFile { file, name, format } = self;
        let shown = name.clone();
        let work = spawn_blocking(move || {
            let picture = draw(format).map_err(|error| unwritable(&name, error))?;
            let written = file.write(&picture);
            written.map_err(|error| unwritable(&name, error))
        });
        let stopped = async {
            context.stop.requested().await;
            tokio::time::sleep(GRACE).await;
        };
        let done = tokio::select! {
            biased;
            done = work => done.unwrap_or_else(|error| Err(unwritable(&shown, error))),
            () = stopped => {
                let late = format_args!("it was not taken within {GRACE:?} of the stop");
                Err(unwritable(&shown, late))
            }
        };
        if let Err(cause) = done {
            let failure = Kind::Picture.because(cause);
            context.aside.say(&failure);
            context.reporter.report(&Item::Error(failure.item()));
        }
    }
}

fn unwritable(name: &str, error: impl std::fmt::Display) -> String {
    format!("the picture {name} cannot be written: {error}")
}
