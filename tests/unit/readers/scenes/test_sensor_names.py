"""Sensor and level out of the names of files."""

from __future__ import annotations

import pytest

from core.readers.scenes.sensor_names import sensor_in


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("S2A_MSIL1C_20170101T105442_N0204_R051_T31UDQ.tif", ("Sentinel-2A MSI", "L1C")),
        ("2024-07-12-00:00_2024-07-12-23:59_Sentinel-2_S2B_L2A_B04.tiff", ("Sentinel-2B MSI", "L2A")),
        ("paris S2A L1C before.tif", ("Sentinel-2A MSI", "L1C")),
        ("s2c.tif", ("Sentinel-2C MSI", "")),
        ("LC08_L2SP_006066_20200726_20200908_02_T1_SR_B4.TIF", ("Landsat 8 OLI", "L2SP")),
        ("LT05_L1TP_006066_19850826.tif", ("Landsat 5 TM", "L1TP")),
        ("LE07_L2SP_1.tif", ("Landsat 7 ETM+", "L2SP")),
        ("image_web_z5.tif", ("", "")),
        ("BS2A1.tif", ("", "")),
        ("towns2a.tif", ("", "")),
    ],
)
def test_a_name_tells_sensor_and_level_or_nothing(name: str, wanted: tuple[str, str]) -> None:
    assert sensor_in(name) == wanted
