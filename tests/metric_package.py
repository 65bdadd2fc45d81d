"""An installed package that brings a metric."""

from prune.tasks.metrics.specs import spec_of


def installed(folder, monkeypatch, name, arguments):
    """While the test runs, a package in `folder` has the metric `name`; `arguments`: of its `MetricSpec`, as source."""
    module = f"package_of_{name}"
    (folder / f"{module}.py").write_text(
        f"from prune.tasks.metrics.specs import MetricSpec\nMETRIC = MetricSpec({name!r}, {arguments})\n"
    )
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[prune.metrics]\n{name} = {module}\n")
    monkeypatch.syspath_prepend(folder)
    spec_of.cache_clear()
    yield spec_of(name)
    spec_of.cache_clear()
