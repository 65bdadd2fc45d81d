"""Records of curves over densities, made by hand."""

from tests.report.folders import configured, measured


def ran(density, method="lottery_ticket", criterion="magnitude", control="none", seed=0, **values):
    """The record of a run of a method that a round, a density or a target has brought to `density`.

    Args:
        values: Of the record, or of `method` in its config, or `target`, also in its config.
    """
    site = {"criterion": criterion, "grain": "element"}
    target = values.pop("target", {})
    config = configured(10, seed, target=target)
    config["method"] = {
        "name": method, "kind": method, "criterion": criterion, "control": control, "attention": site,
        "feed_forward": site, "finish": "fold",
    } | values.pop("own", {"rounds": [round(10 * (1 - density))]})  # fmt: skip
    said = f"density {density:g}" + (f", {control}" if control != "none" else "")
    places = {"model": values.get("model", "small"), "setting": said, "method": method, "seed": seed}
    return measured(1.0, **places | {"config": config, "linear_density": density} | values)


def swept(densities=(0.9, 0.5, 0.2), seeds=(0,), **values):
    """The records of one way to prune."""
    return [ran(density, seed=seed, **values) for density in densities for seed in seeds]


def at_initialization(criterion, densities=(0.5, 0.2), **values):
    """The same of a method whose targets are densities."""
    return [
        ran(density, "at_initialization", criterion, target={"density": density}, own={}, **values)
        for density in densities
    ]
