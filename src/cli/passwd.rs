use std::io::{self, BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::failure::{Failure, Kind};
use super::prompt::Unseen;
use super::stopping::aside_unless_stopped;
use super::{Context, seed};
use crate::conversation::without_byte_order_mark;
use crate::report::{Job, Outcome};
use crate::server::{
    Change, FileLock, PASSWORD_LIMIT, Password, PasswordError, StoredPassword, Users, user_name,
};

/// Set the password of a user who may have tickets (`serve --tickets`), or remove one
///
/// The password is asked for twice, without being shown. If standard input is no terminal, its first
/// line is the password.
#[derive(Clone, Debug, Args)]
pub(super) struct Arguments {
    /// The file of users; it is made if there is none
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The name of the user, 1 to 32 characters
    #[arg(value_parser = user, value_name = "USER")]
    user: String,

    /// Remove the user
    #[arg(long)]
    delete: bool,
}

fn user(text: &str) -> Result<String, String> {
    user_name(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// Runs the command. The file is changed as its very last step, or not at all.
pub(super) async fn run(
    arguments: Arguments,
    context: &mut Context<'_>,
) -> Result<Outcome, Failure> {
    let Arguments { file, user, delete } = arguments;
    let done = if delete {
        let (file, user) = (file, user.clone());
        aside_unless_stopped(&mut context.stop, move || remove(&file, &user)).await??;
        "removed"
    } else {
        // What is wrong with the file is said before a password is typed.
        let path = file.clone();
        aside_unless_stopped(&mut context.stop, move || read(&path)).await??;
        let password = password(&user, context).await?;
        let password = Password::new(password).map_err(|error| Kind::Usage.because(error))?;
        let salt = seed::salt()?;
        let user = user.clone();
        let set = move || set(&file, &user, &password, salt);
        match aside_unless_stopped(&mut context.stop, set).await?? {
            Change::Added => "added",
            Change::Changed => "changed",
        }
    };
    let line = format!("{done} {user}\n");
    context.reporter.outlet().send(Job::Write(line.into()));
    Ok(Outcome::Ended)
}

/// Reads the users; where there is no file, there are none.
fn read(file: &Path) -> Result<Users, Failure> {
    match Users::read(file) {
        Err(error) if error.is_missing() => Ok(Users::default()),
        users => users.map_err(|error| Kind::Usage.because(error)),
    }
}

fn set(file: &Path, user: &str, password: &Password, salt: [u8; 16]) -> Result<Change, Failure> {
    let stored = StoredPassword::of(password, salt);
    let stored = stored.map_err(|error| Kind::Internal.because(error))?;
    let _alone = lock(file)?;
    // Once more, since others may have changed it while the password was being typed.
    let mut users = read(file)?;
    let change = users.set(user, stored);
    let change = change.map_err(|error| Kind::Usage.because(error))?;
    write(&users, file)?;
    Ok(change)
}

fn remove(file: &Path, user: &str) -> Result<(), Failure> {
    let _alone = lock(file)?;
    let mut users = Users::read(file).map_err(|error| Kind::Usage.because(error))?;
    users.remove(user).ok_or_else(|| {
        Kind::Usage.because(format_args!("there is no {user} in {}", file.display()))
    })?;
    write(&users, file)
}

/// Waits until nobody else changes the file.
fn lock(file: &Path) -> Result<FileLock, Failure> {
    Users::lock(file).map_err(|error| Kind::Usage.because(error))
}

fn write(users: &Users, file: &Path) -> Result<(), Failure> {
    let written = users.write(file);
    written.map_err(|error| Kind::Usage.because(error))
}

/// Asks for the new password, or reads it.
async fn password(user: &str, context: &mut Context<'_>) -> Result<SecretString, Failure> {
    if !io::stdin().is_terminal() {
        return aside_unless_stopped(&mut context.stop, first_line).await?;
    }
    let unseen = Unseen::new()?;
    let password = unseen
        .ask(&format!("New password for {user}: "), context)
        .await?;
    // Rather now than after it has been typed again.
    Password::new(password.clone()).map_err(|error| Kind::Usage.because(error))?;
    let again = unseen.ask("The same again: ", context).await?;
    if password.expose_secret() != again.expose_secret() {
        return Err(Kind::Usage.because("the two passwords differ; nothing has been changed"));
    }
    Ok(password)
}

/// The first line of standard input.
fn first_line() -> Result<SecretString, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Kind::Usage.because(format_args!(
            "reading the password from standard input: {error}"
        ))
    };
    let mut line = Vec::new();
    // A line may begin with a byte order mark, and ends with one byte or two.
    let most = PASSWORD_LIMIT + 5;
    let mut input = io::stdin().lock().take(most as u64 + 1);
    let read = input.read_until(b'\n', &mut line);
    read.map_err(|error| failed(&error))?;
    if line.len() > most {
        return Err(failed(&PasswordError::TooLong));
    }
    let line = str::from_utf8(without_byte_order_mark(&line))
        .map_err(|_not_quoted| failed(&"it is not UTF-8"))?;
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Ok(SecretString::from(line))
}
