"""Without a GPU, scripts that ask for one are told that there is none."""

import torch

import scratchnet


def test_there_is_no_gpu_and_seeding_it_leaves_the_stream_alone():
    assert scratchnet.cuda.is_available() is False
    assert scratchnet.cuda.device_count() == 0
    for library in (scratchnet, torch):
        library.manual_seed(3)
    scratchnet.cuda.manual_seed(5)
    scratchnet.cuda.manual_seed_all(5)
    assert scratchnet.rand(3).tolist() == torch.rand(3).tolist()
