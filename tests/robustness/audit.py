"""Known holes in the installed packages, by pip-audit: exit code 1 where there are some, 0 with a word where no index can be asked."""

import json
import subprocess
import sys


def main() -> int:
    """Print each hole with the version that mends it."""
    call = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1][:200]
        print(f"Skipped: no index of known holes answers ({reason}).")
        return 0
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:  # pip-audit ends well where its index knows none of the packages
        reason = packages[0]["skip_reason"][:200] if packages else "nothing is installed"
        print(f"Skipped: no index of known holes answers ({reason}).")
        return 0
    holes = [(package, hole) for package in asked for hole in package.get("vulns", ())]
    for package, hole in holes:
        print(
            f"{package['name']} {package['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        )
    rest = f", {len(packages) - len(asked)} packages unknown to the index" if len(asked) < len(packages) else ""
    print(f"{len(asked)} packages, {len(holes)} known holes{rest}")
    return int(bool(holes))


if __name__ == "__main__":
    raise SystemExit(main())
