//! Output files appear whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::{Builder, TempPath};

use super::error::{Fault, FormatError};

/// What to do with an output file that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone: [`Fault::Exists`].
    Keep,
    /// Replace it, as `--force` asks.
    Replace,
}

/// Where output goes.
enum Target {
    /// To a regular file of this name, existing or not.
    File(PathBuf),
    /// Straight to a device, pipe or the like.
    Stream,
}

/// Fails if [`save_atomically`] would refuse this output, so that a long computation can be spared.
///
/// # Errors
///
/// [`Fault::Exists`], [`Fault::IsDirectory`], [`Fault::BrokenLink`], and [`Fault::Io`] where the
/// directory is missing.
pub fn check_target(path: &Path, existing: Existing) -> Result<(), FormatError> {
    target(path, existing).map(drop).map_err(|error| error.named(&path.to_string_lossy()))
}

/// Writes a file through `body`: to a temporary file in the same directory, flushed to the disk,
/// then renamed.
///
/// On any error the target is untouched and the temporary file is gone. A new file gets the
/// permissions of any new file (the umask applies), a replaced one keeps its own, and the temporary
/// file never has more than that. A symbolic link
/// is followed: the file it points to is replaced, the link stays; a link to nothing is refused.
/// Devices, pipes, `/dev/stdout` and its like are written straight, whatever `existing` says.
///
/// # Errors
///
/// What `body` returns, what [`check_target`] returns, and [`Fault::Io`] for anything the system
/// refuses; the errors bear the name of the file.
pub fn save_atomically<E: From<FormatError>>(
    path: &Path,
    existing: Existing,
    body: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let name = path.to_string_lossy();
    let failed = |error: FormatError| E::from(error.named(&name));
    let refused = |error: io::Error| failed(error.into());
    let target = match target(path, existing).map_err(failed)? {
        Target::File(target) => target,
        Target::Stream => {
            // Appending leaves alone what a shell's `>> file` has put behind /dev/stdout.
            let file = OpenOptions::new().append(true).open(path).map_err(refused)?;
            return fill(BufWriter::new(file), body, refused);
        }
    };
    let mut staged = Staged::temporary(target, existing).map_err(failed)?;
    fill(BufWriter::with_capacity(1 << 16, &mut staged.file), body, refused)?;
    staged.finish().map_err(failed)
}

/// Writes all of a body. What the system refuses comes back through `refused`, whatever the body
/// has made of it.
fn fill<E>(
    inner: impl Write,
    body: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    refused: impl FnOnce(io::Error) -> E,
) -> Result<(), E> {
    let mut out = Watched { inner, failed: None };
    let written = body(&mut out);
    match (out.failed.take(), written) {
        (Some(error), _) => Err(refused(error)),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => out.inner.flush().map_err(refused),
    }
}

/// Remembers why a writer has failed: encoders around it may hide that, and none knows the file.
struct Watched<W> {
    inner: W,
    failed: Option<io::Error>,
}

impl<W> Watched<W> {
    fn watch<T>(&mut self, written: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &written
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.failed.get_or_insert_with(|| same_error(error));
        }
        written
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.watch(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.watch(flushed)
    }
}

/// The same error once more.
fn same_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// The file that this output will be, a symbolic link followed; `None` for a device or pipe.
pub(crate) fn regular_target(
    path: &Path,
    existing: Existing,
) -> Result<Option<PathBuf>, FormatError> {
    match target(path, existing).map_err(|error| error.named(&path.to_string_lossy()))? {
        Target::File(target) => Ok(Some(target)),
        Target::Stream => Ok(None),
    }
}

/// An output under another name, until [`finish`](Self::finish) renames it.
#[derive(Debug)]
pub(crate) struct Staged {
    /// To be written.
    pub(crate) file: File,
    path: TempPath,
    target: PathBuf,
    existing: Existing,
    _unfinished: Option<Unfinished>,
}

impl Staged {
    /// An empty file of a random name beside `target`. It is deleted when dropped, and by
    /// [`remove_unfinished`].
    pub(crate) fn temporary(target: PathBuf, existing: Existing) -> Result<Self, FormatError> {
        let mut builder = Builder::new();
        builder.prefix(".matinv-").suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode_beside(&target)));
        let (file, path) = builder.tempfile_in(directory(&target))?.into_parts();
        let unfinished = Some(Unfinished::new(&path));
        Ok(Staged { file, path, target, existing, _unfinished: unfinished })
    }

    /// The file at `path` beside `target`, of which the first `length` bytes are kept. It stays
    /// when dropped.
    pub(crate) fn kept(
        mut file: File,
        path: &Path,
        length: u64,
        target: PathBuf,
        existing: Existing,
    ) -> Result<Self, FormatError> {
        file.set_len(length)?;
        file.seek(SeekFrom::End(0))?;
        let mut path = TempPath::try_from_path(path)?;
        path.disable_cleanup(true);
        Ok(Staged { file, path, target, existing, _unfinished: None })
    }

    /// Flushes the file to the disk and gives it its name. A lock on the file is held until it has
    /// the name, on Unix.
    pub(crate) fn finish(self) -> Result<(), FormatError> {
        let Staged { file, path, target, existing, _unfinished } = self;
        if let Some(permissions) = permissions_of(&target) {
            file.set_permissions(permissions)?;
        }
        file.sync_all()?;
        // Windows renames no file that is open: there, the lock ends before.
        #[cfg(not(unix))]
        drop(file);
        let persisted = match existing {
            Existing::Replace => path.persist(&target),
            Existing::Keep => path.persist_noclobber(&target),
        };
        #[cfg(unix)]
        drop(file);
        persisted.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => FormatError::new(Fault::Exists),
            _ => error.error.into(),
        })?;
        sync_directory(&target);
        Ok(())
    }

    /// Deletes the file.
    pub(crate) fn discard(mut self) {
        self.path.disable_cleanup(false);
    }
}

/// The temporary files that [`save_atomically`] is filling.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Deletes the temporary files of every [`save_atomically`] under way: for a handler of Ctrl-C,
/// just before it ends the process, which would otherwise leave them behind. A saving that goes
/// on nevertheless fails.
pub fn remove_unfinished() {
    for path in UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        // Renamed or deleted already, or nothing to be done about it in a dying process.
        let _ = fs::remove_file(path);
    }
}

/// Keeps a temporary file listed while it lives.
#[derive(Debug)]
struct Unfinished(PathBuf);

impl Unfinished {
    fn new(path: &Path) -> Self {
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}

fn target(path: &Path, existing: Existing) -> Result<Target, FormatError> {
    // These name what is open already, be it a regular file that the shell has just made for `>
    // file`.
    if ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|open| path.starts_with(open))
    {
        return Ok(Target::Stream);
    }
    let link = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let directory = directory(path);
            fs::metadata(directory).map_err(|error| missing(directory, &error))?;
            return Ok(Target::File(path.to_owned()));
        }
        found => found?,
    };
    let real = if link.is_symlink() {
        fs::canonicalize(path).map_err(|source| FormatError::new(Fault::BrokenLink { source }))?
    } else {
        path.to_owned()
    };
    let metadata = fs::metadata(&real)?;
    if metadata.is_dir() {
        Err(FormatError::new(Fault::IsDirectory))
    } else if !metadata.is_file() {
        Ok(Target::Stream)
    } else if existing == Existing::Keep {
        Err(FormatError::new(Fault::Exists))
    } else {
        Ok(Target::File(real))
    }
}

/// The directory of a file, `.` for a bare name.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn missing(directory: &Path, error: &io::Error) -> FormatError {
    let source = io::Error::new(
        error.kind(),
        format!("the directory {} cannot be used: {error}", directory.display()),
    );
    FormatError::new(Fault::Io { source })
}

/// The mode for a file that is to take the place of `target`: no more than that file has, or that of
/// any new file. The umask applies to either.
#[cfg(unix)]
pub(crate) fn mode_beside(target: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    permissions_of(target).map_or(0o666, |permissions| permissions.mode() & 0o777)
}

fn permissions_of(path: &Path) -> Option<Permissions> {
    fs::metadata(path).ok().map(|metadata| metadata.permissions())
}

/// Makes the rename last through a power cut. The file itself is safe already, so a failure is not
/// one of ours.
fn sync_directory(path: &Path) {
    if let Ok(directory) = File::open(directory(path)) {
        let _ = directory.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mode bits of all files but `X`, which is there, too.
    #[cfg(unix)]
    fn modes_beside_x(directory: &Path) -> Vec<u32> {
        use std::os::unix::fs::PermissionsExt;
        let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
        let others = entries.filter(|entry| entry.file_name() != "X");
        others.map(|entry| entry.metadata().unwrap().permissions().mode() & 0o777).collect()
    }

    #[cfg(unix)]
    #[test]
    fn a_temporary_file_has_no_more_permissions_than_what_it_replaces() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("X");
        fs::write(&target, "before").unwrap();
        for mode in [0o600, 0o400, 0o000, 0o640] {
            fs::set_permissions(&target, Permissions::from_mode(mode)).unwrap();
            save_atomically::<FormatError>(&target, Existing::Replace, |out| {
                out.write_all(b"after")?;
                let [meanwhile] = modes_beside_x(place.path())[..] else { panic!("one file") };
                assert_eq!(meanwhile & !mode, 0, "{meanwhile:o} for {mode:o}");
                Ok(())
            })
            .unwrap();
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o7777, mode);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_is_held_until_the_file_has_its_name() {
        let place = tempfile::tempdir().unwrap();
        for round in 0..200 {
            let partial = place.path().join(format!("{round}.partial"));
            let target = place.path().join(format!("{round}"));
            let file = File::create_new(&partial).unwrap();
            file.lock().unwrap();
            let waiting = File::open(&partial).unwrap();
            let staged =
                Staged::kept(file, &partial, 0, target.clone(), Existing::Replace).unwrap();
            // Whoever gets the lock finds the file renamed.
            let renamed = std::thread::spawn(move || {
                waiting.lock().unwrap();
                (partial.exists(), target.exists())
            });
            staged.finish().unwrap();
            assert_eq!(renamed.join().unwrap(), (false, true), "round {round}");
        }
    }

    #[test]
    fn what_the_system_refuses_is_named_whatever_the_body_makes_of_it() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let body =
            |out: &mut dyn Write| out.write_all(&[0]).map_err(|_| FormatError::new(Fault::Empty));
        let refused = |error: io::Error| FormatError::from(error).named("X.npz");
        let error = fill(Full, body, refused).unwrap_err();
        assert_eq!(error.name, "X.npz");
        let Fault::Io { source } = *error.fault else { panic!("{error}") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    }
}
