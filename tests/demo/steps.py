# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the demo. Each runs something, shows the result and checks that it is what the text states."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support import leaks
from support.workloads import CRONJOB, Pull, Workloads

from .places import ENDPOINT, Place
from .showing import Show, check, run

PLAYBOOK = "freshpull.ecr_public.pull_secret"
# Not the default, because the role removes managed secrets of this name in other namespaces.
SECRET = "ecr-public-demo"
EXPIRES_AT = "ecr-public.freshpull/expires-at"
COLUMNS = (
    "NAMESPACE:.metadata.namespace,NAME:.metadata.name,UID:.metadata.uid,"
    r"EXPIRES:.metadata.annotations.ecr-public\.freshpull/expires-at,"
    r"RENEWED BY:.metadata.annotations.ecr-public\.freshpull/renewed-by"
)
NOWHERE = "http://127.0.0.1:9"
DAY = 24 * 3600


class Demo:
    """All objects that the demo creates have its name, and a label with it."""

    def __init__(self, place: Place, show: Show, directory: Path) -> None:
        self._place = place
        self._show = show
        self._name = f"freshpull-demo-{secrets.token_hex(2)}"
        self._namespaces = [f"{self._name}-{letter}" for letter in "abc"]
        self._refresher = f"{self._name}-refresher"
        self._variables = directory / "demo.yml"
        self._variables.write_text(self._text())
        self._workloads = Workloads(place.environment.get("KUBECONFIG"))

    def run(self) -> None:
        """Run all steps. Raises DemoError at the first that fails."""
        for namespace in self._namespaces:
            self._workloads.core.create_namespace({"metadata": {"name": namespace, "labels": {"demo": self._name}}})
        self._pull_secrets()
        self._nothing_to_do()
        if self._place.no_pods:
            self._show.step("Skipped: the CronJob's pod, and a pod that pulls an image")
            self._show.say(f"This cluster has only a control plane, and no pod can run. {self._place.no_pods}")
        else:
            self._cronjob()
            self._pull()
        self._no_token_was_shown()

    def remove(self) -> None:
        """Remove everything that was created."""
        self._show.step("Remove everything")
        self._role("-e", "pull_secret_state=absent")
        run(["kubectl", "delete", "namespaces", "-l", f"demo={self._name}"], self._place.environment)
        label = f"ecr-public.freshpull/refresher={self._refresher}"
        kinds = "namespaces,clusterroles,rolebindings,secrets,cronjobs,jobs"
        left = run(["kubectl", "get", kinds, "-A", "-l", label, "-o", "name"], self._place.environment)
        left += run(["kubectl", "get", "namespaces", "-l", f"demo={self._name}", "-o", "name"], self._place.environment)
        check(not left, f"This was not removed:\n{left}")
        self._show.say("Nothing that the demo created is left in the cluster.")

    def _text(self) -> str:
        """Return the file of variables, which contains no AWS key."""
        lines = [
            f"pull_secret_name: {SECRET}",
            f"pull_secret_namespaces: [{', '.join(self._namespaces)}]",
            f"pull_secret_labels: {{demo: {self._name}}}",
            f"pull_secret_refresher_namespace: {self._refresher}",
            "pull_secret_refresher_aws_auth: secret",
            """pull_secret_refresher_aws_access_key: "{{ lookup('env', 'AWS_ACCESS_KEY_ID') }}\"""",
            """pull_secret_refresher_aws_secret_key: "{{ lookup('env', 'AWS_SECRET_ACCESS_KEY') }}\"""",
        ]
        if endpoint := self._place.environment.get(ENDPOINT):
            lines.append(f"pull_secret_refresher_aws_endpoint_url: {endpoint}")
        if self._place.refresher_image:
            lines.append(f"pull_secret_refresher_image: {self._place.refresher_image}")
        if self._place.no_pods:
            lines.append("pull_secret_test_run: never")
        return "\n".join(lines) + "\n"

    def _pull_secrets(self) -> None:
        show = self._show
        show.step("1. One command writes the pull secret, and sets up the CronJob that keeps it fresh")
        show.command("cat demo.yml")
        show.quote(self._text())
        check(self._role() > 0, "The first run of the role changed nothing.")
        found = self._secrets()
        check(sorted(found) == self._namespaces, f"The secret is in {sorted(found)}.")
        show.say("Each of the three namespaces has the secret, and states when its token expires.")

    def _nothing_to_do(self) -> None:
        show = self._show
        show.step("2. A second run changes nothing and does not call AWS")
        show.say("AWS cannot be reached in this run, so a call of AWS would fail.")
        before = self._calls()
        changed = self._role(environment={ENDPOINT: NOWHERE})
        check(changed == 0, f"The second run of the role changed {changed} things.")
        if before is not None:
            calls = self._calls()
            check(calls == before, f"AWS was called: {before} calls before, {calls} now.")
            show.say(f"Calls that AWS counted: {before} before this run, {calls} after it.")

    def _cronjob(self) -> None:
        show = self._show
        show.step("3. The CronJob renews the secret from inside the cluster")
        show.say(
            "It runs every 2 hours and renews a token with less than 8 hours left. The demo starts a renewal by hand: "
            f"a Job of CronJob {CRONJOB}, with a pod of the aws-cli image."
        )
        if self._place.fake:
            # Make the new expiry clearly later than that of the first token, which is only seconds old.
            self._place.fake.behave(life=DAY)
        before = self._read()
        ended = self._workloads.refresh(self._refresher)
        show.command(f"kubectl logs -n {self._refresher} {ended.pod}")
        show.quote(ended.log)
        check(ended.succeeded, f"The pod failed: {ended.message}")
        after = self._secrets()
        for namespace in self._namespaces:
            check(after[namespace][0] == before[namespace][0], f"The secret in {namespace} is not the same object.")
            check(after[namespace][1] > before[namespace][1], f"The secret in {namespace} does not expire later.")
        show.say("The tokens now expire later. The secrets are the same objects as before, with the same UIDs.")

    def _pull(self) -> None:
        show = self._show
        show.step("4. A pod pulls an image of public.ecr.aws with the secret")
        fresh = self._pulled("with the fresh secret", "stable", with_secret=True)
        check(fresh.pulled, f"The image was not pulled: {fresh.reason}: {fresh.message}")
        fake = self._place.fake
        if not fake:
            show.say(
                "Only the registry knows if the pull was authenticated. Without CONFIRM, the demo has its own registry."
            )
            return
        fake.expire(fake.tokens[-1])
        expired = self._pulled("with the secret once its token has expired", "1.37", with_secret=True)
        check(not expired.pulled, "The registry accepted an expired token.")
        none = self._pulled("without any secret", "1.38", with_secret=False)
        check(none.pulled, f"The image was not pulled: {none.reason}: {none.message}")
        show.say("An expired token is worse than none: the pull fails, and clients do not try it anonymously.")

    def _pulled(self, how: str, tag: str, *, with_secret: bool) -> Pull:
        """Let a pod pull the image, and print what the registry saw of the pull."""
        image = self._place.offer(tag)
        fake = self._place.fake
        seen = len(fake.registry_requests) if fake else 0
        pull = self._workloads.pull(self._namespaces[0], image, [SECRET] if with_secret else [])
        self._show.say(f"{image} {how}: {'pulled.' if pull.pulled else 'not pulled.'}")
        if not pull.pulled:
            self._show.quote(f"{pull.reason}: {pull.message.rpartition(': failed to authorize: ')[2]}")
        if fake:
            # Clients first send a request without credentials to find the token service: each pull has a 401 and a 405.
            requests = [each for each in fake.registry_requests[seen:] if each["status"] not in (401, 405)]
            authenticated = with_secret and pull.pulled
            check(bool(requests), "The registry saw no request.")
            check({each["authenticated"] for each in requests} == {authenticated}, f"The registry saw {requests}.")
            statuses = ", ".join(sorted({str(each["status"]) for each in requests}))
            kind = "authenticated" if authenticated else "anonymous" if pull.pulled else "rejected"
            self._show.quote(f"the registry: {kind} (HTTP status of the {len(requests)} responses: {statuses})")
        return pull

    def _no_token_was_shown(self) -> None:
        fake = self._place.fake
        if fake:
            needles = {fake.secret_key, *(form for password in fake.tokens for form in leaks.forms(password))}
            check(not leaks.find(self._show.printed, needles), "A token or a key was printed.")

    def _role(self, *args: str, environment: Mapping[str, str] | None = None) -> int:
        """Run the role, show its recap, and return how many tasks changed something."""
        extra = {**self._place.environment, **(environment or {})}
        prefix = "".join(f"{name}={value} " for name, value in (environment or {}).items())
        self._show.command(" ".join([f"{prefix}ansible-playbook {PLAYBOOK} -e @demo.yml", *args]))
        output = run(["ansible-playbook", PLAYBOOK, "-e", f"@{self._variables}", *args], extra)
        recap = re.search(r"^localhost .*\bchanged=(\d+).*", output, re.MULTILINE)
        check(recap is not None, f"The play has no recap:\n{output[-2000:]}")
        assert recap
        self._show.quote(" ".join(recap[0].split()))
        return int(recap[1])

    def _secrets(self) -> dict[str, tuple[str, str]]:
        """Show the secrets, and return the result of _read."""
        selector = ("get", "secrets", "-A", "-l", f"demo={self._name}")
        self._show.command(f"kubectl {' '.join(selector)} -o custom-columns=…")
        self._show.quote(run(["kubectl", *selector, "-o", f"custom-columns={COLUMNS}"], self._place.environment))
        return self._read()

    def _read(self) -> dict[str, tuple[str, str]]:
        """Return the secret's UID and expiry, by namespace."""
        selector = ("get", "secrets", "-A", "-l", f"demo={self._name}", "-o", "json")
        items: list[dict[str, Any]] = json.loads(run(["kubectl", *selector], self._place.environment))["items"]
        metadata = [item["metadata"] for item in items]
        return {each["namespace"]: (each["uid"], each["annotations"][EXPIRES_AT]) for each in metadata}

    def _calls(self) -> int | None:
        """Return the number of AWS calls; None if AWS is real."""
        return sum(self._place.fake.calls.values()) if self._place.fake else None
