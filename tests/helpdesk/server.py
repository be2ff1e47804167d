"""A real Request Tracker in a folder of its own, on SQLite, from Debian's packages."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from flows.doors.ports import any_free
from tests.pilot import until

SETUP = Path("/usr/sbin/rt-setup-database-5")
SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
LIBRARY = "/usr/share/request-tracker5/lib"
PACKAGES = "Request Tracker (Debian: request-tracker5 rt5-db-sqlite rt5-standalone)"

SITE = """
Set($rtname, 'test');
Set($Organization, 'test');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($WebPath, '');
Set($WebBaseURL, 'http://127.0.0.1:{port}');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.sqlite');
Set($LogToSyslog, undef);
Set($LogToFile, undef);
Set($LogToSTDERR, 'error');
Set($MailCommand, 'testfile');
1;
"""

#: Two staff members who may own tickets, and a token of the first one.
PEOPLE = """
use RT; RT::LoadConfig(); RT::Init();
for my $name (qw(ann ben)) {
    my $user = RT::User->new(RT->SystemUser);
    my ($id) = $user->Create(Name => $name, EmailAddress => "$name\\@x.example", Privileged => 1);
    my $queue = RT::Queue->new(RT->SystemUser);
    $queue->Load('General');
    $user->PrincipalObj->GrantRight(Object => $queue, Right => $_)
        for qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ModifyTicket OwnTicket
               CommentOnTicket ReassignTicket TakeTicket);
    next if $name ne 'ann';
    my $token = RT::AuthToken->new(RT->SystemUser);
    my (undef, undef, $secret) = $token->Create(Owner => $id, Description => 'a test');
    print $secret;
}
"""


@dataclass(frozen=True)
class Helpdesk:
    """Its address, and ann's token."""

    url: str
    token: str


def is_here() -> bool:
    """Whether the packages are installed."""
    return SETUP.exists() and SERVER.exists()


@contextmanager
def helpdesk(folder: Path) -> Iterator[Helpdesk]:
    """Set one up, start it, and end it afterwards."""
    port = any_free()
    site, more = folder / "RT_SiteConfig.pm", folder / "more"
    site.write_text(SITE.replace("{port}", str(port)).replace("{folder}", str(folder)))
    more.mkdir()
    password = folder / "password"
    password.write_text("of-a-test")
    env = {**os.environ, "RT_SITE_CONFIG": str(site), "RT_SITE_CONFIG_DIR": str(more)}
    words = ["--action", "init", "--skip-create", "--force", "--root-password-file", str(password)]
    subprocess.run([SETUP, *words], env=env, check=True, capture_output=True, timeout=120)
    secret = subprocess.run(
        ["perl", f"-I{LIBRARY}", "-e", PEOPLE],
        env=env,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    serve = [SERVER, "--server", "Standalone", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(list(map(str, serve)), env=env, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(url, secret), "the helpdesk answers", patience=60)
        yield Helpdesk(url, secret)
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str, token: str) -> bool:
    try:
        head = {"Authorization": f"token {token}"}
        return httpx.get(f"{url}/REST/2.0/queues/all", headers=head, timeout=10).is_success
    except httpx.HTTPError:
        return False
