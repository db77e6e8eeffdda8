# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup in real plays, at the highest verbosity."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

from support.aws import FakeAws

ONE_TOKEN = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact:
        token: "{{ lookup('freshpull.ecr_public.ecr_public_token') }}"
      run_once: true
      no_log: true
    - ansible.builtin.assert:
        that:
          - token.username == 'AWS'
          - token.password | length > 1000
          - (token.dockerconfigjson | from_json).auths[token.registry].auth == token.authorization_token
          - token.expires_at is match('20')
        quiet: true
"""
FAIL = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "{{ lookup('freshpull.ecr_public.ecr_public_token').expires_at }}"
"""


def play(fake: FakeAws, directory: Path, text: str) -> tuple[int, str]:
    """Run the play on four hosts at full verbosity; return its status and all output and logs."""
    playbook, log = directory / "play.yml", directory / "ansible.log"
    playbook.write_text(text)
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": fake.access_key,
        "AWS_SECRET_ACCESS_KEY": fake.secret_key,
        "AWS_URL": fake.endpoint_url,
        "ANSIBLE_LOG_PATH": str(log),
        "ANSIBLE_LOG_VERBOSITY": "6",
        "ANSIBLE_DEBUG": "true",
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
    }
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-vvvvvv", "-i", "a,b,c,d,", "-c", "local", str(playbook),
        ],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr + log.read_text()


def test_one_call_for_all_hosts_and_no_secret_in_the_output(fake: FakeAws, tmp_path: Path) -> None:
    status, output = play(fake, tmp_path, ONE_TOKEN)
    assert status == 0, output[-3000:]
    assert fake.calls == {"GetAuthorizationToken": 1}
    (password,) = fake.tokens
    for secret in (password, base64.b64encode(f"AWS:{password}".encode()).decode(), fake.secret_key):
        assert secret not in output


def test_a_failure_is_reported_without_secrets(fake: FakeAws, tmp_path: Path) -> None:
    fake.behave(deny="sts:GetServiceBearerToken")
    status, output = play(fake, tmp_path, FAIL)
    assert status != 0
    assert "The AWS principal lacks sts:GetServiceBearerToken" in output
    assert fake.secret_key not in output
