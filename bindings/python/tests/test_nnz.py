"""What `nnz.Model` promises, on a network that the command line made (`NNZ_MODEL`) and its data (`NNZ_DATA`)."""

import os
import threading
import unittest

import numpy as np

import nnz

MODEL = os.environ["NNZ_MODEL"]
DATA = np.load(os.environ["NNZ_DATA"])
X, Y = DATA["x"].astype(np.float32), DATA["y"]


class TestModel(unittest.TestCase):
    def setUp(self):
        self.model = nnz.Model(MODEL)
        self.name = self.model.outputs[0].name

    def test_a_network_describes_itself(self):
        (image,), (scores,) = self.model.inputs, self.model.outputs
        self.assertEqual(image.shape, [1, 1, 49, 10])
        self.assertEqual(image.dtype, "int8")
        self.assertGreater(image.scale, 0)
        self.assertEqual(scores.shape, [1, 12])
        self.assertIn("int8[1, 1, 49, 10]", repr(self.model))
        self.assertGreater(self.model.macs, 0)

    def test_samples_are_told_apart_as_the_command_line_does(self):
        scores = self.model.run(X)[self.name]
        self.assertEqual(scores.shape, (len(X), 12))
        right = int((scores.argmax(axis=1) == Y).sum())
        self.assertEqual(right, int(os.environ["NNZ_RIGHT"]))

    def test_one_sample_and_many_agree_and_so_do_bytes_and_reals(self):
        many = self.model.run(X[:5], raw=True)[self.name]
        self.assertEqual(many.dtype, np.int8)
        image, scores = self.model.inputs[0], self.model.outputs[0]
        for sample, expected in zip(X[:5], many):
            one = self.model.run(sample[None], raw=True)[self.name]
            np.testing.assert_array_equal(one[0], expected)
            q = np.clip(np.round(sample / image.scale) + image.zero_point, -128, 127)
            real = self.model.run(q.astype(np.int8)[None])[self.name][0]
            np.testing.assert_array_equal(real, (expected.astype(np.float32) - scores.zero_point) * scores.scale)

    def test_an_input_by_name_and_an_array_in_another_order(self):
        expected = self.model.run(X[:3])[self.name]
        named = self.model.run({self.model.inputs[0].name: X[:3].tolist()})[self.name]
        np.testing.assert_array_equal(named, expected)
        turned = np.asfortranarray(X[:3])
        np.testing.assert_array_equal(self.model.run(turned)[self.name], expected)

    def test_a_model_with_threads_of_its_own_gives_the_same(self):
        expected = self.model.run(X[:21], raw=True)[self.name]
        shared = nnz.Model(MODEL, threads=2)
        np.testing.assert_array_equal(shared.run(X[:21], raw=True)[self.name], expected)
        np.testing.assert_array_equal(shared.run(X[:1], raw=True)[self.name], expected[:1])
        for threads in (0, 1000):
            with self.assertRaisesRegex(ValueError, "1 to 256"):
                nnz.Model(MODEL, threads=threads)

    def test_threads_share_a_model(self):
        expected = self.model.run(X[:20])[self.name]
        found = [None] * 4

        def work(i):
            found[i] = self.model.run(X[:20])[self.name]

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for scores in found:
            np.testing.assert_array_equal(scores, expected)

    def test_what_does_not_fit_says_so(self):
        with self.assertRaisesRegex(ValueError, r"shape \[1, 1, 49, 10\].*\[3, 3\]"):
            self.model.run(np.zeros((3, 3)))
        with self.assertRaisesRegex(KeyError, "lacks input"):
            self.model.run({"other": X[:1]})
        with self.assertRaises(OSError):
            nnz.Model("absent.nnz")
        with self.assertRaisesRegex(ValueError, "not a network"):
            nnz.Model(b"NNZ1 but no more")
        with self.assertRaises(ValueError):
            self.model.run(["a word"])


if __name__ == "__main__":
    unittest.main()
