"""What a record says of where it was made."""

import torch

from prune.measure.environment import environment


def test_the_environment_names_versions_and_hardware():
    found = environment()
    assert found["packages"]["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["cores"] >= 1
    assert found["processor"]
