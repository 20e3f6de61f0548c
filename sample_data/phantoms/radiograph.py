"""A child's chest, drawn as thicknesses in millimetres and projected like a frontal radiograph.

Axes: x to the right of the image (the patient's left), y downwards, depth from front to back; all in millimetres at the detector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sample_data.phantoms.drawing import Image, Points, add_tube, band_noise, ellipsoid, power_noise, smooth_step, written

SIZE = 768
SPACING = 0.35  # mm
FIELD = SIZE * SPACING
MIDDLE = FIELD * 0.5

# Attenuation per millimetre at about 60 keV: water, and what bone and air in lungs have more or less than water.
WATER, BONE, AIR = 0.0205, 0.036, -0.0155
GREY_LEVELS = 4096


@dataclass(frozen=True)
class Chest:
    """What differs from child to child.

    consolidation: how much of the air in the lower lobe on the image's left is replaced by fluid, in [0, 1].
    """

    seed: int
    consolidation: float = 0.0


def draw(chest: Chest) -> NDArray[np.uint16]:
    """uint16 [768, 768] in [0, 4095], bone bright."""
    generator = np.random.default_rng(chest.seed)
    y, x = np.mgrid[0:SIZE, 0:SIZE] * SPACING
    body = _body(x, y)
    air = _lungs(x, y) * (body > 0)
    markings = _vessels(generator) * smooth_step(air, 4.0, 40.0)
    mottle = air * (0.055 * power_noise(generator, (SIZE, SIZE), 1.7) + 0.018 * band_noise(generator, (SIZE, SIZE), 14.0))
    air = np.maximum(air - markings - mottle, 0.0)
    if chest.consolidation:
        air = air * (1.0 - chest.consolidation * _opacity(generator, x, y))
    air = air + _airways(x, y) + _gas(generator, x, y)
    attenuation = WATER * body + AIR * air + BONE * _bones(generator, x, y)
    grey = _develop(generator, attenuation)
    grey[written("R", grey.shape, 205, 20, 5)] = 0.97
    grey[written("SYNTHETIC", grey.shape, SIZE - 30, 16, 2)] = 0.75
    return np.round(grey * (GREY_LEVELS - 1)).astype(np.uint16)


def _half_width(y: Image, chest_top: float, chest_bottom: float) -> Image:
    """Half the width of the rib cage's inside at height y."""
    t = np.clip((y - chest_top) / (chest_bottom - chest_top), 0.0, 1.0)
    return 16.0 + 78.0 * np.sin(np.pi / 2 * np.minimum(t * 1.12, 1.0)) ** 0.62


def _body(x: Image, y: Image) -> Image:
    """Path in soft tissue: trunk, neck, shoulders and arms, the lungs still filled."""
    trunk_half = 106.0 + 7.0 * np.exp(-(((y - 95.0) / 55.0) ** 2)) + 2.0 * np.sin(y / 60.0) - 5.0 * smooth_step(y, 150.0, 268.0)
    depth = 108.0 + 22.0 * smooth_step(y, 120.0, 230.0) - 26.0 * smooth_step(-y, -70.0, 0.0)
    across = np.clip(np.abs(x - MIDDLE) / trunk_half, 0.0, 1.0)
    trunk = depth * (1.0 - across**2.4) ** 0.6
    arm = np.zeros_like(x)
    for side in (-1.0, 1.0):
        # The arms are held up beside the head.
        reach = MIDDLE + side * (104.0 + 0.16 * np.maximum(70.0 - y, 0.0))
        width = 26.0 - 9.0 * smooth_step(y, 40.0, 120.0)
        arm += 2.0 * 24.0 * np.sqrt(np.maximum(1.0 - ((x - reach) / width) ** 2, 0.0)) * (1.0 - smooth_step(y, 50.0, 125.0))
    chin = ellipsoid(x, y, (MIDDLE + 2.0, -22.0), (52.0, 40.0, 45.0))
    neck_fade = 1.0 - 0.45 * smooth_step(-y, -32.0, 0.0) * smooth_step(np.abs(x - MIDDLE), 24.0, 60.0)
    return np.maximum(trunk * neck_fade, 0.0) + 0.75 * arm + 0.6 * chin


def _lungs(x: Image, y: Image) -> Image:
    """Path in air-filled lung before vessels, with heart, mediastinum and diaphragm pressed in."""
    top, bottom = 42.0, 214.0
    half = _half_width(y, top, bottom)
    inside = np.clip(np.abs(x - MIDDLE) / half, 0.0, 1.0)
    depth = 96.0 * smooth_step(y, top - 4.0, top + 70.0) ** 0.8
    air = depth * np.maximum(1.0 - inside**3.0, 0.0) ** 0.6 * (y > top)
    heart = ellipsoid(x, y, (MIDDLE + 15.0, 158.0), (47.0, 39.0, 38.0), 0.75)
    heart = np.maximum(heart, ellipsoid(x, y, (MIDDLE - 6.0, 154.0), (29.0, 50.0, 36.0)))
    heart = np.maximum(heart, ellipsoid(x, y, (MIDDLE + 8.0, 122.0), (24.0, 34.0, 32.0), 0.3))
    knob = ellipsoid(x, y, (MIDDLE + 13.0, 95.0), (12.0, 14.0, 20.0))
    edge = 24.0 - 2.5 * np.sin(y / 19.0) + 16.0 * smooth_step(y, 150.0, 205.0)
    column = 112.0 * (1.0 - smooth_step(np.abs(x - MIDDLE - 1.0), 0.55 * edge, edge))
    roots = sum(ellipsoid(x, y, (MIDDLE + side * 29.0, 122.0 + 3.0 * side), (13.0, 21.0, 15.0)) for side in (-1.0, 1.0))
    right_dome = ellipsoid(x, y, (MIDDLE - 46.0, 262.0), (64.0, 76.0, 60.0))
    left_dome = ellipsoid(x, y, (MIDDLE + 48.0, 268.0), (61.0, 74.0, 60.0))
    pressed = heart + knob + column + 0.7 * roots + right_dome + left_dome
    return ndimage.gaussian_filter(np.maximum(air - pressed, 0.0), 1.6)


def _vessels(generator: np.random.Generator) -> Image:
    """Path in the blood vessels of both lungs: trees that branch and taper from the roots."""
    path = np.zeros((SIZE, SIZE))
    for side in (-1.0, 1.0):
        root = np.array([MIDDLE + side * 24.0, 118.0 + 3.0 * side, 0.0])
        for angle in np.linspace(-1.3, 1.25, 17):
            aim = np.array([side * np.cos(angle), np.sin(angle), generator.normal(0.0, 0.4)])
            _branch(generator, path, root + generator.normal(0.0, 6.0, 3) + [0.0, 14.0 * np.sin(angle), 0.0], aim, 2.3, 0)
    return path


def _branch(generator: np.random.Generator, path: Image, start: Points, aim: Points, radius: float, depth: int) -> None:
    if depth > 6 or radius < 0.28:
        return
    length = generator.uniform(13.0, 24.0) * 0.9**depth
    aim = aim / np.linalg.norm(aim)
    bend = generator.normal(0.0, 0.16, 3)
    middle = start + aim * length * 0.5 + bend * length * 0.3
    end = start + aim * length
    add_tube(path, np.stack([start, middle, end]), np.array([radius, radius * 0.9, radius * 0.8]), SPACING)
    for _ in range(2):
        _branch(generator, path, end, aim + generator.normal(0.0, 0.42, 3), radius * generator.uniform(0.64, 0.86), depth + 1)


def _airways(x: Image, y: Image) -> Image:
    """Path in the windpipe and the two main bronchi."""
    path = np.zeros_like(x)
    carina = np.array([MIDDLE + 1.0, 104.0, 0.0])
    add_tube(path, np.array([[MIDDLE + 1.0, -5.0, 0.0], carina]), 5.0, SPACING)
    add_tube(path, np.stack([carina, carina + np.array([-21.0, 17.0, 0.0])]), 3.6, SPACING)
    add_tube(path, np.stack([carina, carina + np.array([24.0, 14.0, 0.0])]), 3.2, SPACING)
    return 0.75 * path


def _gas(generator: np.random.Generator, x: Image, y: Image) -> Image:
    """Path in the stomach's bubble and a little gas in the bowel."""
    bubble = ellipsoid(x, y, (MIDDLE + 42.0, 226.0), (21.0, 12.0, 13.0), -0.25)
    for _ in range(9):
        place = (MIDDLE + generator.uniform(-40.0, 70.0), generator.uniform(246.0, 266.0))
        bubble = bubble + ellipsoid(x, y, place, (generator.uniform(3.0, 8.0), generator.uniform(3.0, 6.0), 6.0), generator.uniform(0, 3))
    return ndimage.gaussian_filter(bubble, 3.0)


def _opacity(generator: np.random.Generator, x: Image, y: Image) -> Image:
    """Where a lobe is filled with fluid, in [0, 1]: dense at its heart, patchy at its rim."""
    distance = np.hypot((x - (MIDDLE - 47.0)) / 36.0, (y - 160.0) / 31.0)
    patchy = 0.17 * power_noise(generator, (SIZE, SIZE), 2.2) + 0.04 * band_noise(generator, (SIZE, SIZE), 40.0)
    return ndimage.gaussian_filter(1.0 - smooth_step(distance + patchy, 0.2, 1.45), 3.0)


def _bones(generator: np.random.Generator, x: Image, y: Image) -> Image:
    """Path in bone: ribs, spine, collar bones, shoulder blades, upper arms, jaw."""
    bone = np.zeros_like(x)
    for rib in range(12):
        for side in (-1.0, 1.0):
            _rib(generator, bone, rib, side)
    bone += _spine(x, y)
    for side in (-1.0, 1.0):
        _shoulder(bone, side)
    return ndimage.gaussian_filter(bone, 0.6)


def _rib(generator: np.random.Generator, bone: Image, rib: int, side: float) -> None:
    """One rib: from the spine outwards, round the side, and down towards the breastbone, where cartilage shows no shadow."""
    start = 36.0 + 14.6 * rib + generator.normal(0.0, 0.5)
    half = float(_half_width(np.array(start + 26.0), 42.0, 214.0)) + 3.0
    last = (1.9, 2.2, 2.3, 2.25, 2.2, 2.15, 2.1, 2.05, 1.95, 1.85, 1.5, 1.1)[rib]
    turn = np.linspace(0.12, last, 60)
    across = 9.0 + (half - 9.0) * np.sin(np.minimum(turn, np.pi)) ** 0.85
    drop = (30.0 + 1.6 * rib) * (turn / (np.pi / 2)) ** 1.45 - 6.0 * np.sin(np.minimum(turn * 2.2, np.pi))
    curve = np.stack([MIDDLE + side * across, start + drop, 45.0 * np.cos(turn)], axis=1)
    radius = 2.5 + 0.5 * np.sin(turn * 0.9)
    add_tube(bone, curve, radius, SPACING, hollow=0.74, weight=1.25)
    add_tube(bone, curve, radius * 0.74, SPACING, weight=0.3)


def _spine(x: Image, y: Image) -> Image:
    """Vertebral bodies with the discs between them, pedicles, and spinous processes."""
    bone = np.zeros_like(x)
    for level in range(-3, 17):
        centre, half = 40.0 + 14.6 * level, 10.2 + 0.16 * level
        waist = half - 1.6 * np.cos(np.clip((y - centre) / 6.5, -1.0, 1.0) * np.pi / 2)
        body = (1.0 - smooth_step(np.abs(y - centre), 4.4, 7.2)) * (1.0 - smooth_step(np.abs(x - MIDDLE), waist - 3.4, waist + 0.6))
        rim = np.exp(-(((np.abs(y - centre) - 5.0) / 1.3) ** 2)) * (1.0 - smooth_step(np.abs(x - MIDDLE), half - 4.0, half))
        bone += 5.2 * body + 1.5 * rim
        for side in (-1.0, 1.0):
            bone += 0.7 * ellipsoid(x, y, (MIDDLE + side * (half - 3.4), centre - 1.0), (2.3, 3.3, 2.6))
            bone += 0.7 * ellipsoid(x, y, (MIDDLE + side * (half + 5.0), centre - 1.0), (7.5, 2.6, 2.2), side * -0.25)
        bone += 0.6 * ellipsoid(x, y, (MIDDLE, centre + 3.5), (1.6, 4.6, 4.0))
    return bone


def _shoulder(bone: Image, side: float) -> None:
    """Collar bone, the outer border of the shoulder blade, and the upper arm's shaft with its growth plate."""
    t = np.linspace(0.0, 1.0, 40)
    collar = np.stack([MIDDLE + side * (11.0 + 70.0 * t), 50.0 - 17.0 * t + 4.0 * np.sin(2 * np.pi * t), 0.0 * t], axis=1)
    add_tube(bone, collar, 3.1 + 0.7 * np.cos(2 * np.pi * t), SPACING, hollow=0.66, weight=1.7)
    blade = np.stack([MIDDLE + side * (84.0 + 14.0 * (1 - t) ** 1.2), 40.0 + 66.0 * t, 30.0 + 0 * t], axis=1)
    add_tube(bone, blade, 2.2, SPACING, hollow=0.5, weight=0.6)
    spine = np.stack([MIDDLE + side * (58.0 + 42.0 * t), 50.0 - 16.0 * t, 30.0 + 0 * t], axis=1)
    add_tube(bone, spine, 2.0, SPACING, hollow=0.4, weight=0.5)
    shaft = np.stack([MIDDLE + side * (108.0 + 10.0 * t), 34.0 - 45.0 * t, 0 * t], axis=1)
    add_tube(bone, shaft, 5.6 - 1.4 * t, SPACING, hollow=0.68)
    head = np.stack([MIDDLE + side * (102.0 + 4.0 * t), 43.0 - 6.0 * t, 0 * t], axis=1)
    add_tube(bone, head, 6.4, SPACING, hollow=0.8)


def _develop(generator: np.random.Generator, attenuation: Image) -> Image:
    """From attenuation to a picture for reading, in [0, 1]: scatter, blur, quantum noise, logarithm, tone curve."""
    primary = np.exp(-attenuation)
    scatter = 0.22 * ndimage.gaussian_filter(primary, 12.0 / SPACING) * (attenuation > 0.05)
    signal = ndimage.gaussian_filter(primary + scatter, 0.8)
    counted = np.maximum(signal + generator.standard_normal(signal.shape) * np.sqrt(signal / 40_000.0), 1e-4)
    dense = -np.log(counted)
    dense = dense + 0.55 * (dense - ndimage.gaussian_filter(dense, 6.0 / SPACING))  # edges lifted, as consoles do
    low, high = 0.0, float(np.percentile(dense, 99.7))
    grey = np.clip((dense - low) / (high - low), 0.0, 1.0)
    return 0.88 * grey**0.8
